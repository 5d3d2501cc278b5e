import type { BandwidthLimit, BandwidthLimits, TimeOfDay } from '@holdfast/core/policy';
import type * as wire from '@holdfast/proto/v1';

export function toWireBandwidth(limits: BandwidthLimits): wire.BandwidthLimits {
  const windows = limits.windows.map((window) => ({
    ...toWireRates(window),
    weekdays: [...window.weekdays],
    fromMinute: minuteOf(window.from),
    toMinute: minuteOf(window.to),
    timeZone: window.timeZone,
  }));
  return { ...toWireRates(limits), windows };
}

function toWireRates({ uploadBytesPerSecond = 0, downloadBytesPerSecond = 0 }: BandwidthLimit) {
  return {
    uploadBytesPerSecond: BigInt(uploadBytesPerSecond),
    downloadBytesPerSecond: BigInt(downloadBytesPerSecond),
  };
}

function minuteOf({ hour, minute }: TimeOfDay): number {
  return hour * 60 + minute;
}
