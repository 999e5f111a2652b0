/** What things are called on screen. */

const DIMENSIONS: Record<string, string> = {
  account_id: 'Account',
  service_code: 'Service',
  region: 'Region',
  usage_family: 'Usage family',
  instance_type: 'Instance type',
  provider: 'Provider',
  currency: 'Currency',
  resource_id: 'Resource',
};

export function dimensionName(dimension: string): string {
  if (dimension.startsWith('tag.')) return `Tag: ${dimension.slice(4)}`;
  return DIMENSIONS[dimension] ?? dimension.charAt(0).toUpperCase() + dimension.slice(1).replaceAll('_', ' ');
}

/** Names of accounts by their id. */
export type AccountNames = Readonly<Record<string, string>>;

/** A value of a dimension: `Storefront (339455691878)`, `block storage`; what is absent has a name too. */
export function valueName(dimension: string, value: unknown, accounts: AccountNames = {}): string {
  if (value === null || value === undefined || value === '') {
    if (dimension.startsWith('tag.')) return 'not tagged';
    if (dimension === 'region') return 'no region';
    return `no ${dimensionName(dimension).toLowerCase()}`;
  }
  const text = String(value);
  if (dimension === 'usage_family') return text.replaceAll('_', ' ');
  if (dimension === 'account_id' && Object.hasOwn(accounts, text) && accounts[text]) return `${accounts[text]} (${text})`;
  return text;
}

const PLACES: Record<string, string> = {
  'us-east-1': 'N. Virginia',
  'us-east-2': 'Ohio',
  'us-west-1': 'N. California',
  'us-west-2': 'Oregon',
  'ca-central-1': 'Canada Central',
  'sa-east-1': 'São Paulo',
  'eu-west-1': 'Ireland',
  'eu-west-2': 'London',
  'eu-west-3': 'Paris',
  'eu-central-1': 'Frankfurt',
  'eu-central-2': 'Zurich',
  'eu-north-1': 'Stockholm',
  'eu-south-1': 'Milan',
  'eu-south-2': 'Spain',
  'ap-south-1': 'Mumbai',
  'ap-southeast-1': 'Singapore',
  'ap-southeast-2': 'Sydney',
  'ap-northeast-1': 'Tokyo',
  'ap-northeast-2': 'Seoul',
  'ap-northeast-3': 'Osaka',
  'ap-east-1': 'Hong Kong',
  'af-south-1': 'Cape Town',
  'me-south-1': 'Bahrain',
  'me-central-1': 'UAE',
  'il-central-1': 'Tel Aviv',
};

/** Where an AWS region is, where its code does not say it to everybody. */
export function placeOf(region: string | null | undefined): string | null {
  return region ? (PLACES[region] ?? null) : null;
}

/** Why a line has no estimate; codes as in docs/methodology/classification.md. */
const REASONS: Record<string, string> = {
  commitment_fee: 'Fee of a Savings Plan or reservation; what it covers is estimated on its own lines',
  unused_commitment: 'Part of a commitment that nothing used',
  commitment_negation: 'Takes back the on-demand price under a Savings Plan',
  fee: 'A fee that buys no resource of its own',
  tax: 'Tax',
  credit: 'Credit or refund in money',
  discount: 'Discount in money',
  adjustment: 'Change of an earlier bill in money, not in usage',
  counted_on_host: 'Share of a host that has its own line',
  counted_on_dedicated_host: 'Instance on a dedicated host that has its own line',
  counted_on_instance: 'Management fee on an instance that has its own line',
  included_in_instance: "Part of the instance's energy already",
  included_in_storage: 'Performance of a volume whose capacity has its own line',
  nothing_stored: 'Minimum charge after deletion',
  counted_at_sender: 'The other end of the transfer carries the estimate',
  counted_on_other_line: 'Its energy stands on another line of the same service',
  no_model: 'No physical model exists for this kind of usage',
  unknown_usage_type: 'The method does not know this usage type',
  unknown_instance_type: 'The instance type is not in the factor set',
  no_curve_of_part: 'The measured power curve holds for a whole machine only',
  no_embodied_model: 'Nothing is known to derive embodied emissions from',
  no_pue: 'The provider publishes no PUE of the region',
  no_wue: 'The provider publishes no WUE of the region',
  no_grid_factor: 'No area of the region has a grid factor',
  unknown_region: 'The region is not in the factor set',
  no_region: 'The line names no region',
  unknown_unit: 'The unit does not fit the kind of usage',
  unknown_ai_model: 'No energy per token is published for this model',
  no_power_model: 'No power figures of the processor in the chosen model',
  unknown_provider: 'The method does not know this provider',
  unknown_line_type: 'The ledger does not know this line type',
  no_amount: 'The line has no amount to multiply',
};

export function reasonText(reason: string | null): string {
  return reason ? (REASONS[reason] ?? reason.replaceAll('_', ' ')) : '–';
}

export const QUALITIES: Record<string, string> = {
  measured: 'Measured use of this resource',
  modelled: 'Physical model of this kind of hardware',
  proxy: 'Model of a similar thing',
  spend: 'From money spent only',
};
