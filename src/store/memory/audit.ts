import type { AuditRecord } from '../store.ts';

const capacity = 10_000;

/** The newest administrative attempts. */
export function createAudit() {
  const records: AuditRecord[] = [];
  return {
    put: (record: AuditRecord): void => {
      records.push(record);
      if (records.length > capacity) records.shift();
    },
    list: (limit: number): AuditRecord[] => records.slice(-limit).reverse(),
  };
}
