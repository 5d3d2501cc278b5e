import type { BandwidthLimit, BandwidthLimits, TimeOfDay, Weekday } from '@holdfast/core/policy';
import { checkBandwidthLimits } from '@holdfast/core/policy';
import type * as wire from '@holdfast/proto/v1';

/** Throws Validation for limits that mean nothing. */
export function fromWireBandwidth(message: wire.BandwidthLimits | undefined): BandwidthLimits {
  const limits: BandwidthLimits = {
    ...(message && ratesOf(message)),
    windows: (message?.windows ?? []).map((window) => ({
      ...ratesOf(window),
      weekdays: window.weekdays as Weekday[],
      from: timeOf(window.fromMinute),
      to: timeOf(window.toMinute),
      timeZone: window.timeZone,
    })),
  };
  checkBandwidthLimits(limits);
  return limits;
}

type Rates = Pick<wire.BandwidthLimits, 'downloadBytesPerSecond' | 'uploadBytesPerSecond'>;

function ratesOf({ uploadBytesPerSecond, downloadBytesPerSecond }: Rates): BandwidthLimit {
  return {
    ...(uploadBytesPerSecond > 0n && { uploadBytesPerSecond: Number(uploadBytesPerSecond) }),
    ...(downloadBytesPerSecond > 0n && { downloadBytesPerSecond: Number(downloadBytesPerSecond) }),
  };
}

function timeOf(minute: number): TimeOfDay {
  return { hour: Math.floor(minute / 60), minute: minute % 60 };
}
