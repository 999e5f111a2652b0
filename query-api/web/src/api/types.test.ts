/** The answers that the dashboard reads are those that docs/openapi.json describes: same names, same types, same nulls. */

import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import description from '../../../../docs/openapi.json?raw';
import types from './types.ts?raw';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema | true;
}

const { components } = JSON.parse(description) as { components: { schemas: Record<string, Schema> } };
const source = ts.createSourceFile('types.ts', types, ts.ScriptTarget.ES2022, true);
const INTERFACES = new Map(source.statements.filter(ts.isInterfaceDeclaration).map((found) => [found.name.text, found]));
/** Decimals are texts. */
const TEXTS = ['Decimal'];

const ANSWERS: readonly [string, string][] = [
  ['ProblemBody', 'Problem'],
  ['User', 'User'],
  ['Meta', 'Meta'],
  ['Measures', 'Measures'],
  ['Page', 'Emissions'],
  ['Row', 'Emissions.rows'],
  ['TimeRow', 'TimeSeries.rows'],
  ['Line', 'Lines.rows'],
  ['CoverageRow', 'Coverage.rows'],
  ['VarianceRow', 'Variance.rows'],
  ['IntensityRow', 'Intensity.rows'],
  ['FactorRow', 'Runs.rows'],
  ['SqlAnswer', 'SqlAnswer'],
  ['Schema', 'Tables'],
];

function resolved(schema: Schema): Schema {
  return schema.$ref ? (components.schemas[schema.$ref.split('/').pop() ?? ''] ?? {}) : schema;
}

function schemaOf(path: string): Schema {
  const [name = '', list] = path.split('.');
  const schema = resolved({ $ref: name });
  const items = list ? schema.properties?.[list]?.items : schema;
  if (!items || items === true) throw new Error(`docs/openapi.json has no ${path}`);
  return resolved(items);
}

/** The JSON types that a type of ours stands for. */
function kinds(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) return [...new Set(type.types.flatMap(kinds))].sort();
  if (ts.isTypeOperatorNode(type)) return kinds(type.type);
  if (ts.isArrayTypeNode(type)) return ['array'];
  if (ts.isTypeReferenceNode(type)) return [TEXTS.includes(type.typeName.getText()) ? 'string' : 'object'];
  if (ts.isTypeLiteralNode(type)) return ['object'];
  if (ts.isLiteralTypeNode(type)) return [ts.isStringLiteral(type.literal) ? 'string' : type.literal.getText()];
  return [type.getText()];
}

function compare(members: readonly ts.TypeElement[], schema: Schema, where: string): string[] {
  return members.filter(ts.isPropertySignature).flatMap((member) => {
    const name = member.name.getText();
    const told = schema.properties?.[name];
    if (!told || !member.type) return [`${where}.${name} is not in the description`];
    const { type, items } = resolved(told);
    const wanted = [type ?? []].flat().map((kind) => (kind === 'integer' ? 'number' : kind)).sort();
    const ours = kinds(member.type);
    if (ours.join() !== wanted.join()) return [`${where}.${name} is ${ours.join(' | ')}, described as ${wanted.join(' | ')}`];
    const inner = items && items !== true ? membersOf(member.type) : [];
    return items && items !== true ? compare(inner, resolved(items), `${where}.${name}`) : [];
  });
}

/** Members of what an array holds. */
function membersOf(type: ts.TypeNode): readonly ts.TypeElement[] {
  if (ts.isTypeOperatorNode(type)) return membersOf(type.type);
  if (ts.isArrayTypeNode(type)) return membersOf(type.elementType);
  if (ts.isTypeLiteralNode(type)) return [...type.members];
  return ts.isTypeReferenceNode(type) ? [...(INTERFACES.get(type.typeName.getText())?.members ?? [])] : [];
}

describe('the answers of the API', () => {
  it.each(ANSWERS)('%s is as docs/openapi.json describes %s', (name, path) => {
    const members = INTERFACES.get(name)?.members ?? [];
    expect(members.length).toBeGreaterThan(0);
    expect(compare([...members], schemaOf(path), name)).toEqual([]);
  });
  it('a name that is not described is found out', () => {
    const members = INTERFACES.get('Line')?.members ?? [];
    expect(compare([...members], schemaOf('Intensity.rows'), 'Line')).toContain('Line.line_id is not in the description');
  });
});
