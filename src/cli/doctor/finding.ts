/** What the doctor says of one thing. */
export type Level = 'ok' | 'warning' | 'broken';

export interface Finding {
  /** What it is about: `configuration`, `Redis`, `Qiscus shop-1` … */
  area: string;
  level: Level;
  what: string;
  /** What to do; null where there is nothing to do. */
  mend: string | null;
}

export const ok = (area: string, what: string): Finding => ({ area, level: 'ok', what, mend: null });
export const warning = (area: string, what: string, mend: string): Finding => ({ area, level: 'warning', what, mend });
export const broken = (area: string, what: string, mend: string): Finding => ({ area, level: 'broken', what, mend });

const WARN_FROM_MS = 5_000;
const BROKEN_FROM_MS = 60_000;

/** Does another clock agree with ours? @param aheadMs of ours @param unsureMs how much of that may be the way there and back */
export function clockFinding(area: string, aheadMs: number, unsureMs: number): Finding {
  const offMs = Math.max(0, Math.abs(aheadMs) - unsureMs);
  if (offMs < WARN_FROM_MS) return ok(area, 'its clock agrees with ours');
  const what = `its clock is ${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
  const mend = 'Keep both clocks by NTP (timedatectl set-ntp true): ages and waiting times are measured with them.';
  return offMs < BROKEN_FROM_MS ? warning(area, what, mend) : broken(area, what, mend);
}
