// The args array of a hook's event as slots. Types and bounds are those of general-arguments.ts.

import { type Argument, ArgumentType, emptyArgument, Label, labelCode } from '../event/argument.ts';
import { maxInt32, maxPort, maxUint32, minInt32 } from '../event/range.ts';
import { addNumber, addString, type Draft, noArgument } from './draft.ts';
import { SlotKind } from './shape.ts';
import { elements, members, spanOf, stringSpan } from './walk.ts';

const argumentsMax = 16;

export function learnArguments(draft: Draft): boolean {
	return elements(draft.walk, () => draft.args.length < argumentsMax && learnArgument(draft));
}

function learnArgument(draft: Draft): boolean {
	const { walk } = draft;
	// The label comes last, and decides how a 64-bit value is taken: it is read ahead.
	const argument = emptyArgument(ArgumentType.other, labelAhead(draft));
	let variants = 0;
	const understood = members(walk, (name) => {
		if (name === 'label') return stringSpan(walk) !== null;
		variants++;
		return learnVariant(draft, name, argument);
	});
	draft.args.push(argument);
	return understood && variants === 1;
}

function labelAhead(draft: Draft): Label {
	const { walk } = draft;
	const start = walk.pos;
	let label: Label = Label.none;
	members(walk, (name) => {
		if (name !== 'label') return spanOf(walk) !== null;
		const span = stringSpan(walk);
		if (!span) return false;
		label = labelCode(walk.bytes.latin1Slice(span.start, span.end));
		return true;
	});
	walk.pos = start;
	return label;
}

function learnVariant(draft: Draft, name: string, argument: Argument): boolean {
	switch (name) {
		case 'file_arg':
		case 'path_arg':
		case 'linux_binprm_arg':
			argument.type = ArgumentType.file;
			return members(draft.walk, (field) => {
				if (field === 'path') return addString(draft, SlotKind.text, argument);
				if (field === 'permission') return addString(draft, SlotKind.fileType, argument);
				return addString(draft, SlotKind.ignoredString);
			});
		case 'int_arg':
			argument.type = ArgumentType.int;
			return addNumber(draft, SlotKind.number, argument, minInt32, maxInt32);
		case 'uint_arg':
			argument.type = ArgumentType.int;
			return addNumber(draft, SlotKind.number, argument, 0, maxUint32);
		case 'size_arg':
			return learnLong(draft, argument, 0);
		case 'long_arg':
			return learnLong(draft, argument, -Number.MAX_SAFE_INTEGER);
		case 'string_arg':
			argument.type = ArgumentType.text;
			return addString(draft, SlotKind.text, argument);
		case 'sock_arg':
			return learnSocket(draft, argument, 'daddr', 'dport');
		case 'sockaddr_arg':
			return learnSocket(draft, argument, 'addr', 'port');
		case 'sockaddrun_arg':
			return learnSocket(draft, argument, 'path', 'port');
		default:
			return spanOf(draft.walk) !== null;
	}
}

function learnLong(draft: Draft, argument: Argument, min: number): boolean {
	argument.type = ArgumentType.long;
	const span = stringSpan(draft.walk);
	if (!span) return false;
	const kind = argument.label === Label.ino ? SlotKind.decimalText : SlotKind.decimal;
	draft.slots.push({ kind, argument, min, max: Number.MAX_SAFE_INTEGER });
	draft.spans.push(span);
	return true;
}

function learnSocket(draft: Draft, argument: Argument, address: string, port: string): boolean {
	argument.type = ArgumentType.socket;
	return members(draft.walk, (field) => {
		if (field === 'family') return addString(draft, SlotKind.family, argument);
		if (field === address) return addString(draft, SlotKind.address, argument);
		if (field === port) return addNumber(draft, SlotKind.port, argument, 0, maxPort);
		if (addString(draft, SlotKind.ignoredString)) return true;
		return addNumber(draft, SlotKind.ignoredNumber, noArgument, 0, 0);
	});
}
