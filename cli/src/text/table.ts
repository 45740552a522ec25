// Columns for a terminal: as wide as their widest cell, the last one free.

/** Rows with equal numbers of cells; cells must be printable already. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
	const widths: number[] = [];
	for (const row of rows)
		row.forEach((cell, i) => {
			widths[i] = Math.max(widths[i] ?? 0, cell.length);
		});
	return rows
		.map((row) => {
			const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)));
			return `${indent}${cells.join('  ')}`.trimEnd();
		})
		.map((line) => `${line}\n`)
		.join('');
}
