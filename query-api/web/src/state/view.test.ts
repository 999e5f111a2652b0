import { describe, expect, it } from 'vitest';
import { crumbs, drill } from './drill';
import { format, parse, toPage, withFilter, withoutFilter } from './view';

const at = (url: string) => {
  const [path = '', search = ''] = url.split('?');
  return parse(path, search);
};

describe('the URL', () => {
  it.each([
    '/',
    '/explore',
    '/explore?from=2026-10-01&to=2026-11-01&account_id=1&account_id=2&tag.team=&basis=market&group_by=tag.team',
    '/sql?q=SELECT+1+--+100%25+%26+more',
    '/quality?region=eu-west-1&as_of=run-1&cost_in=EUR',
  ])('%s survives reading and writing', (url) => expect(format(at(url))).toBe(url));

  it('leaves defaults out', () => {
    expect(format({ ...at('/explore?group_by=account_id&shape=area&basis=location') })).toBe('/explore');
  });
  it('refuses what makes no sense', () => {
    expect(at('/explore?from=2026-11-01&to=2026-10-01').from).toBeNull();
    expect(at('/explore?from=yesterday&to=2026-10-01').to).toBeNull();
    expect(at('/explore?basis=none').basis).toBe('location');
    expect(at('/explore?evil=1&tag.=x').filters).toEqual([]);
    expect(at('/no-such-page').page).toBe('missing');
  });
  it('keeps time and filters from page to page, and drops what is particular to one', () => {
    const view = at('/explore?from=2026-10-01&to=2026-11-01&region=eu-west-1&shape=bars&line=x');
    expect(format(toPage(view, 'quality'))).toBe('/quality?from=2026-10-01&to=2026-11-01&region=eu-west-1');
  });
  it('adds a filter once and takes just that one away', () => {
    const one = withFilter(at('/'), 'tag.team', 'web');
    expect(withFilter(one, 'tag.team', 'web')).toBe(one);
    const two = withFilter(one, 'tag.team', '');
    expect(format(withoutFilter(two, { dimension: 'tag.team', value: 'web' }))).toBe('/?tag.team=');
  });
});

describe('drilling', () => {
  it('goes from account to service to resource', () => {
    const services = drill(at('/explore'), 'account_id', '111122223333');
    expect(services.group_by).toBe('service_code');
    const resources = drill(services, 'service_code', 'AmazonEC2');
    expect(resources.group_by).toBe('resource_id');
    const one = drill(resources, 'resource_id', 'i-1');
    expect(format(one)).toBe('/explore?account_id=111122223333&service_code=AmazonEC2&group_by=resource_id&resource=i-1');
  });
  it('skips a dimension that is fixed already', () => {
    expect(drill(at('/explore?account_id=1&group_by=region'), 'region', 'eu-west-1').group_by).toBe('service_code');
  });
  it('leads back by every step', () => {
    const deep = at('/explore?account_id=1&service_code=AmazonEC2&group_by=resource_id&resource=i-1');
    const trail = crumbs(deep, (_, value) => value);
    expect(trail.map((crumb) => crumb.label)).toEqual(['Everything', '1', 'AmazonEC2', 'i-1']);
    expect(trail.map((crumb) => crumb.view.group_by)).toEqual(['account_id', 'service_code', 'resource_id', 'resource_id']);
    expect(trail[2]?.view.resource).toBe('');
  });
});
