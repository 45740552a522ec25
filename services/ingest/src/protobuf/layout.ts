// Which field of which event message holds what: the numbers of schemas/tetragon.proto. 0: the message has no such field.
export interface Layout {
	readonly name: string;
	readonly kind: 'exec' | 'exit' | 'loader' | 'function' | 'tracepoint' | 'uprobe' | 'throttle' | 'rate_limit';
	readonly parent: number;
	/** function_name, subsys, path or signal. */
	readonly text: number;
	readonly textName: string;
	/** event or symbol. */
	readonly second: number;
	readonly secondName: string;
	readonly args: number;
	readonly imaHash: number;
	/** status; type of a throttle; the count of a rate limit. */
	readonly number: number;
}

const layout = (name: string, kind: Layout['kind'], fields: Partial<Layout>): Layout => ({
	parent: 0,
	text: 0,
	textName: '',
	second: 0,
	secondName: '',
	args: 0,
	imaHash: 0,
	number: 0,
	...fields,
	name,
	kind,
});

/** Key: field number in GetEventsResponse. */
const layouts: ReadonlyMap<number, Layout> = new Map([
	[1, layout('process_exec', 'exec', { parent: 2 })],
	[5, layout('process_exit', 'exit', { parent: 2, text: 3, textName: 'signal', number: 4 })],
	[9, layout('process_kprobe', 'function', { parent: 2, text: 3, textName: 'function_name', args: 4 })],
	[
		10,
		layout('process_tracepoint', 'tracepoint', {
			parent: 2,
			text: 4,
			textName: 'subsys',
			second: 5,
			secondName: 'event',
			args: 6,
		}),
	],
	[11, layout('process_loader', 'loader', { parent: 4, text: 2, textName: 'path' })],
	[
		12,
		layout('process_uprobe', 'uprobe', {
			parent: 2,
			text: 3,
			textName: 'path',
			second: 4,
			secondName: 'symbol',
			args: 7,
		}),
	],
	[27, layout('process_throttle', 'throttle', { number: 1 })],
	[28, layout('process_lsm', 'function', { parent: 2, text: 3, textName: 'function_name', args: 7, imaHash: 11 })],
	[40001, layout('rate_limit_info', 'rate_limit', { number: 1 })],
]);

export const layoutOf = (field: number): Layout | null => layouts.get(field) ?? null;

export const nodeNameField = 1000;
export const timeField = 1001;
/** aggregation_info, cluster_name, node_labels: no event. */
export const lastEnvelopeField = 1004;
export const processField = 1;

/** By number of ThrottleType. */
export const throttleTypes: readonly string[] = ['', 'THROTTLE_START', 'THROTTLE_STOP'];
