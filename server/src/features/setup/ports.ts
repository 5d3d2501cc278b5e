export interface SetupServices {
  /** Whether `code` is the one that stands on the console; false too when there is none. Constant time. */
  matches(code: string): boolean;
  /** The administrator exists: the code is forgotten, and its file removed. */
  done(): Promise<void>;
  /** `local:` and the first store root. */
  readonly defaultStoreUrl: string;
}
