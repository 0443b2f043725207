import Table from 'cli-table3';
import colors from 'picocolors';
import prettyBytes from 'pretty-bytes';

/** The fields of `status --json` that the summary needs. */
export interface TransferStatus {
  readonly size_bytes: number;
  readonly wasted_bytes: number;
  readonly origin: boolean;
  readonly active_seconds: number;
  readonly peers: readonly {
    readonly name: string;
    readonly downloaded_bytes: number;
    readonly uploaded_bytes: number;
  }[];
}

export interface Party {
  readonly name: string;
  readonly status: TransferStatus;
  /** It was killed: its last counts are lost, but the other ends have them. */
  readonly killed: boolean;
}

/** Bytes sent between agents: a row for each sender, a column for each receiver. */
export function summaryTable(parties: readonly Party[]): string {
  const receivers = parties.filter(({ status }) => !status.origin);
  const table = new Table({
    head: ['from \\ to', ...receivers.map(({ name }) => name), 'sent', 'of the file'],
    style: colors.isColorSupported
      ? { head: ['cyan'], compact: true }
      : { head: [], border: [], compact: true },
    colAligns: ['left', ...receivers.map(() => 'right' as const), 'right', 'right'],
  });
  for (const sender of parties) {
    const cells = receivers.map((receiver) => bytesBetween(sender, receiver));
    const sent = cells.reduce((sum, bytes) => sum + bytes, 0);
    const share = `${(sent / sender.status.size_bytes).toFixed(2)} ×`;
    table.push([
      sender.name,
      ...cells.map((bytes) => (bytes > 0 ? show(bytes) : colors.dim('-'))),
      show(sent),
      share,
    ]);
  }
  table.push(['time', ...receivers.map(({ status }) => `${status.active_seconds.toFixed(1)} s`), '', '']);
  table.push([
    'rate',
    ...receivers.map(({ status }) => `${show(status.size_bytes / status.active_seconds)}/s`),
    '',
    '',
  ]);
  table.push(['repeated', ...receivers.map(({ status }) => show(status.wasted_bytes)), '', '']);
  return table.toString();
}

function bytesBetween(sender: Party, receiver: Party): number {
  if (sender.name === receiver.name) return 0;
  const sent = sender.status.peers.find(({ name }) => name === receiver.name)?.uploaded_bytes ?? 0;
  const received = receiver.status.peers.find(({ name }) => name === sender.name)?.downloaded_bytes ?? 0;
  return receiver.killed ? sent : received;
}

function show(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 1 });
}
