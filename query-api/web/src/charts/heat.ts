/** Heat maps of hours: the hour of the day runs to the right. */

import { axisLabel, type Draw, FIXED, tooltipStyle } from './option';
import { tooltip, type Entry } from './tooltip';

export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

export function heat(
  cells: readonly Cell[],
  rows: readonly string[],
  options: {
    ramp: 'heat' | 'cool';
    span: readonly [number, number];
    title: (cell: Cell) => string;
    entries: (cell: Cell) => readonly Entry[];
    everyRow: boolean;
  },
): Draw {
  const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'));
  return (palette) => ({
    grid: { ...FIXED, left: options.everyRow ? 40 : 58, right: 4, top: 4, bottom: 22 },
    xAxis: { type: 'category', data: hours, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { ...axisLabel(palette), interval: 2 } },
    yAxis: {
      type: 'category',
      data: rows,
      inverse: true,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...axisLabel(palette), ...(options.everyRow ? { interval: 0 } : {}) },
    },
    tooltip: {
      ...tooltipStyle(palette),
      trigger: 'item',
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const cell = cells[dataIndex];
        return cell ? tooltip(options.title(cell), options.entries(cell)) : document.createElement('div');
      },
    },
    visualMap: { show: false, min: options.span[0], max: Math.max(options.span[1], options.span[0] + 1e-9), inRange: { color: [...palette[options.ramp]] } },
    series: [
      {
        type: 'heatmap',
        data: cells.map(({ x, y, value }) => [x, y, value]),
        itemStyle: { borderColor: palette.surface, borderWidth: 1, borderRadius: 2 },
        emphasis: { itemStyle: { borderColor: palette.ink, borderWidth: 1.5 } },
      },
    ],
  });
}
