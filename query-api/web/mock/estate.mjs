// A made-up company: 12 accounts, 5 regions, 8 services, September and October 2026. The same bytes on every start.

export const FIRST_DAY = '2026-09-01';
export const LAST_DAY = '2026-10-31';
export const START_MS = Date.parse('2026-09-01T00:00:00Z');
export const HOURS = 61 * 24;
export const RUNS = [
  { period: '2026-09', run_id: 'run-5e1f20c7a9d3b604', published_at: '2026-10-03T04:12:09Z', factor_set: 'fs-6b2a2bb7b0aa93e4' },
  { period: '2026-10', run_id: 'run-a9074b6c4d34d356', published_at: '2026-11-02T04:31:57Z', factor_set: 'fs-6b2a2bb7b0aa93e4' },
];

/** A run that a later one of the same month replaced. */
export const SUPERSEDED = { period: '2026-09', run_id: 'run-11c0de0000aa7711', published_at: '2026-10-02T03:55:41Z', factor_set: 'fs-51d0c2f98e7b6a35' };

/** Grid of a region: mean g/kWh, swing of the day, hour (UTC) of the lowest, swing from day to day; flat: yearly factor. */
export const REGIONS = {
  'us-east-1': { zone: 'US-MIDA-PJM', mean: 372, swing: 38, lowest: 17, drift: 30, market: 412, utc: -4 },
  'us-west-2': { zone: 'US-NW-BPAT', mean: 246, swing: 92, lowest: 20, drift: 40, market: 301, utc: -7 },
  'eu-west-1': { zone: 'IE', mean: 291, swing: 46, lowest: 3, drift: 110, market: 438, utc: 1 },
  'eu-north-1': { zone: 'SE-SE3', mean: 24, swing: 4, lowest: 12, drift: 6, market: 41, utc: 2 },
  'ap-southeast-1': { zone: 'SG', mean: 408, swing: 0, lowest: 0, drift: 0, market: 408, utc: 8 },
};

/** [account, team, home regions, size, currency]; a size of 1 is about 60 kg a month. */
export const ACCOUNTS = [
  ['111122223333', null, ['us-east-1'], 0.3, 'USD'],
  ['145826226572', 'data', ['us-east-1', 'eu-west-1'], 6.4, 'USD'],
  ['213500034002', 'data', ['us-east-1'], 2.9, 'USD'],
  ['339455691878', 'storefront', ['us-east-1', 'us-west-2', 'eu-west-1', 'ap-southeast-1'], 5.2, 'USD'],
  ['383262060106', 'storefront', ['us-east-1'], 1.4, 'USD'],
  ['436676097409', 'payments', ['eu-west-1', 'us-east-1'], 2.6, 'USD'],
  ['472274045190', 'payments', ['eu-west-1'], 0.7, 'USD'],
  ['530411356169', 'research', ['us-west-2'], 4.1, 'USD'],
  ['615106789419', 'platform', ['us-east-1', 'eu-west-1'], 2.2, 'USD'],
  ['650425222342', 'platform', ['eu-north-1'], 1.8, 'EUR'],
  ['756310222769', 'mobile', ['us-west-2', 'ap-southeast-1'], 1.9, 'USD'],
  ['853490087278', null, ['us-east-1'], 0.5, 'USD'],
];

/** Accounts that were collected; the rest is known by id alone. */
export const ACCOUNT_NAMES = {
  111122223333: 'acme-management',
  145826226572: 'data-lake',
  339455691878: 'storefront-production',
  436676097409: 'payments-production',
  472274045190: 'payments-test',
  530411356169: 'research',
  650425222342: 'platform-nordics',
};

/** Parts of services: family, instance type, quality or reason, share of energy, cost a kWh, resources, prefix. */
export const PARTS = [
  ['AmazonEC2', 'instance', 'm5.2xlarge', 'modelled', 1.0, 8.1, 6, 'i-0', 'BoxUsage:m5.2xlarge', 'Hrs'],
  ['AmazonEC2', 'instance', 'c6g.4xlarge', 'measured', 0.62, 9.4, 5, 'i-1', 'BoxUsage:c6g.4xlarge', 'Hrs'],
  ['AmazonEC2', 'instance', 'r5.4xlarge', 'modelled', 0.55, 8.8, 3, 'i-2', 'SpotUsage:r5.4xlarge', 'Hrs'],
  ['AmazonEC2', 'block_storage', null, 'modelled', 0.08, 22, 9, 'vol-0', 'EBS:VolumeUsage.gp3', 'GB-Mo'],
  ['AmazonEC2', 'data_transfer', null, 'proxy', 0.11, 61, 4, 'i-0', 'DataTransfer-Out-Bytes', 'GB'],
  ['AmazonRDS', 'instance', 'db.r6g.xlarge', 'modelled', 0.42, 14, 3, 'db:orders-', 'InstanceUsage:db.r6g.xlarge', 'Hrs'],
  ['AmazonRDS', 'database_storage', null, 'modelled', 0.06, 25, 3, 'db:orders-', 'RDS:GP3-Storage', 'GB-Mo'],
  ['AmazonS3', 'object_storage', null, 'modelled', 0.24, 12, 7, 'acme-', 'TimedStorage-ByteHrs', 'GB-Mo'],
  ['AWSLambda', 'function', null, 'proxy', 0.07, 30, 8, 'function:ingest-', 'Lambda-GB-Second', 'Lambda-GB-Second'],
  ['AmazonElastiCache', 'instance', 'cache.r6g.large', 'modelled', 0.12, 11, 2, 'cluster:session-', 'NodeUsage:cache.r6g.large', 'Hrs'],
  ['AmazonSageMaker', 'instance', 'ml.g5.2xlarge', 'proxy', 0.9, 10, 2, 'training-job/', 'Train:ml.g5.2xlarge', 'Hrs'],
  ['AmazonDynamoDB', 'database_throughput', null, 'no_model', 0, 0.62, 5, 'table/', 'ReadRequestUnits', 'ReadRequestUnits'],
  ['AmazonCloudFront', 'data_transfer', null, 'unknown_usage_type', 0, 0.31, 1, 'distribution/E', 'Bytes-OriginShield', 'GB'],
  ['AmazonEC2', 'other', null, 'tax', 0, 0.9, 1, null, 'Tax', null],
];

/** Services that an account uses besides EC2, S3 and RDS. */
export function uses(account, service) {
  if (service === 'AmazonSageMaker') return account === '530411356169' || account === '145826226572';
  if (service === 'AmazonElastiCache') return ['339455691878', '436676097409', '756310222769'].includes(account);
  if (service === 'AmazonCloudFront') return ['339455691878', '756310222769'].includes(account);
  if (service === 'AmazonDynamoDB') return ['339455691878', '756310222769', '615106789419'].includes(account);
  return true;
}

/** A number from 0 to 1 that depends on its names only. */
export function chance(...names) {
  let hash = 2166136261;
  for (const character of names.join('|')) {
    hash ^= character.charCodeAt(0);
    hash = Math.imul(hash, 16777619);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822507);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 4294967296;
}
