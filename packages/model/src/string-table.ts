/** Strings of a batch, each once; index 0 is the empty string. */
export class StringTable {
	readonly strings: string[] = [''];
	readonly #index = new Map<string, number>([['', 0]]);

	index(text: string): number {
		const known = this.#index.get(text);
		if (known !== undefined) return known;
		const index = this.strings.push(text) - 1;
		this.#index.set(text, index);
		return index;
	}
}
