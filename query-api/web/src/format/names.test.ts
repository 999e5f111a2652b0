import { describe, expect, it } from 'vitest';
import { valueName } from './names';

const accounts = { '339455691878': 'storefront', '145826226572': '' };

describe('values of dimensions', () => {
  it('name an account that was collected, and keep its id', () => {
    expect(valueName('account_id', '339455691878', accounts)).toBe('storefront (339455691878)');
  });
  it('are the id alone where there is no name', () => {
    expect(valueName('account_id', '213500034002', accounts)).toBe('213500034002');
    expect(valueName('account_id', '145826226572', accounts)).toBe('145826226572');
    expect(valueName('account_id', '339455691878')).toBe('339455691878');
    expect(valueName('account_id', 'constructor', accounts)).toBe('constructor');
  });
  it('take no other thing for an account', () => {
    expect(valueName('tag.account', '339455691878', accounts)).toBe('339455691878');
  });
  it('have a name when absent', () => {
    expect(valueName('region', null)).toBe('no region');
    expect(valueName('tag.team', '')).toBe('not tagged');
    expect(valueName('usage_family', 'block_storage')).toBe('block storage');
  });
});
