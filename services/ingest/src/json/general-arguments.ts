// tetragon.KprobeArgument as parsed JSON.

import {
	type Argument,
	ArgumentType,
	addressText,
	emptyArgument,
	isDecimal64,
	Label,
	labelCode,
	setLong,
} from '../event/argument.ts';
import { complain, type Problems } from '../event/problem.ts';
import { maxInt32, maxPort, maxUint32, minInt32 } from '../event/range.ts';
import { isObject, type JsonObject, pick, readArray, readInteger, readObject, readText, wrongType } from './fields.ts';

export function readArguments(problems: Problems, value: unknown, field: string): Argument[] {
	const entries = readArray(problems, value, field);
	const args: Argument[] = [];
	for (let i = 0; i < entries.length; i++) {
		const entry = readObject(problems, entries[i], `${field}[${i}]`);
		args.push(entry ? readArgument(problems, entry, `${field}[${i}]`) : emptyArgument(ArgumentType.other, Label.none));
	}
	return args;
}

type Variant = readonly [name: string, camel: string, read: ReadVariant];
type ReadVariant = (problems: Problems, value: unknown, label: Label, field: string) => Argument;

const variants: readonly Variant[] = [
	['file_arg', 'fileArg', readFile],
	['path_arg', 'pathArg', readFile],
	['linux_binprm_arg', 'linuxBinprmArg', readFile],
	['int_arg', 'intArg', (p, v, l, f) => readInt(p, v, l, f, minInt32, maxInt32)],
	['uint_arg', 'uintArg', (p, v, l, f) => readInt(p, v, l, f, 0, maxUint32)],
	['size_arg', 'sizeArg', (p, v, l, f) => readLong(p, v, l, f, false)],
	['long_arg', 'longArg', (p, v, l, f) => readLong(p, v, l, f, true)],
	['string_arg', 'stringArg', readString],
	['sock_arg', 'sockArg', (p, v, l, f) => readSocket(p, v, l, f, 'daddr', 'dport')],
	['sockaddr_arg', 'sockaddrArg', (p, v, l, f) => readSocket(p, v, l, f, 'addr', 'port')],
	['sockaddrun_arg', 'sockaddrunArg', (p, v, l, f) => readSocket(p, v, l, f, 'path', 'port')],
];

function readArgument(problems: Problems, entry: JsonObject, field: string): Argument {
	const label = labelCode(readText(problems, entry['label'], `${field}.label`));
	for (const [name, camel, read] of variants) {
		const value = pick(entry, name, camel);
		if (value !== undefined && value !== null) return read(problems, value, label, `${field}.${name}`);
	}
	// Another variant, or the sensor could not read the argument (error_arg).
	return emptyArgument(ArgumentType.other, label);
}

function readFile(problems: Problems, value: unknown, label: Label, field: string): Argument {
	const argument = emptyArgument(ArgumentType.file, label);
	if (!isObject(value)) {
		wrongType(problems, field, 'an object', value);
		return argument;
	}
	argument.text = readText(problems, value['path'], `${field}.path`);
	argument.fileType = readText(problems, value['permission'], `${field}.permission`).slice(0, 1);
	return argument;
}

function readInt(problems: Problems, value: unknown, label: Label, field: string, min: number, max: number): Argument {
	const argument = emptyArgument(ArgumentType.int, label);
	argument.value = readInteger(problems, value, field, min, max);
	return argument;
}

function readLong(problems: Problems, value: unknown, label: Label, field: string, signed: boolean): Argument {
	const argument = emptyArgument(ArgumentType.long, label);
	// protojson writes 64-bit values as strings, and says that numbers are to be read as well.
	const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value + 0) : value;
	if (typeof text !== 'string') wrongType(problems, field, 'a decimal string', value);
	else if (!isDecimal64(text, signed))
		complain(problems, 'wrong-type', `${field}: expected a decimal string of ${signed ? 'an int64' : 'a uint64'}`);
	else setLong(argument, text);
	return argument;
}

function readString(problems: Problems, value: unknown, label: Label, field: string): Argument {
	const argument = emptyArgument(ArgumentType.text, label);
	argument.text = readText(problems, value, field);
	return argument;
}

function readSocket(
	problems: Problems,
	value: unknown,
	label: Label,
	field: string,
	address: string,
	port: string,
): Argument {
	const argument = emptyArgument(ArgumentType.socket, label);
	if (!isObject(value)) {
		wrongType(problems, field, 'an object', value);
		return argument;
	}
	argument.family = readText(problems, value['family'], `${field}.family`);
	argument.text = addressText(readText(problems, value[address], `${field}.${address}`));
	argument.port = readInteger(problems, value[port], `${field}.${port}`, 0, maxPort);
	return argument;
}
