import { useLayoutEffect } from 'react';

/** The exit of a dialog and what it changes on the page come first. */
const SETTLE_MS = 20;
/** A list that is read anew after a dialog may take away the button that opened it. */
const WATCH_MS = 10_000;

let openDialogs = 0;
/** What opened the first of the dialogs that are open: one may open another and close itself. */
let openerOfAll: Element | undefined;

/**
 * When a dialog closes, or goes away with what it stands in, the focus goes back to what opened it, or to the heading of
 * the page if that is gone; a reader would start from the top of the document otherwise.
 */
export function useReturnFocus(opened: boolean): void {
  useLayoutEffect(() => {
    if (!opened) return;
    const opener = isAstray() ? undefined : (document.activeElement ?? undefined);
    if (openDialogs === 0 && opener !== undefined) openerOfAll = opener;
    openDialogs += 1;
    return () => {
      openDialogs -= 1;
      setTimeout(() => {
        if (openDialogs > 0) return;
        if (isAstray()) giveFocus([opener, openerOfAll].find((each) => each?.isConnected));
        openerOfAll = undefined;
      }, SETTLE_MS);
    };
  }, [opened]);
}

function isInDialog(element: Element): boolean {
  return element.closest('[role="dialog"]') !== null;
}

/** On nothing, or in a dialog that is on its way out. */
function isAstray(): boolean {
  const { activeElement, body } = document;
  return activeElement === null || activeElement === body || isInDialog(activeElement);
}

function giveFocus(opener: Element | undefined): void {
  if (opener instanceof HTMLElement) {
    opener.focus({ preventScroll: true });
    watchRemoval(opener);
  } else focusHeading();
}

/** As long as it has the focus, and not for ever. */
function watchRemoval(opener: HTMLElement): void {
  const watch = new MutationObserver(() => {
    if (opener.isConnected && document.activeElement === opener) return;
    end();
    if (!opener.isConnected && isAstray()) focusHeading();
  });
  const timer = setTimeout(() => end(), WATCH_MS);
  const end = (): void => {
    watch.disconnect();
    clearTimeout(timer);
  };
  watch.observe(document.body, { childList: true, subtree: true });
}

function focusHeading(): void {
  document.querySelector<HTMLElement>('main h1')?.focus();
}
