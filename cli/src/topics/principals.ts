// Who works on a fleet, at Kafka and at Redis: the ACLs that give each what it needs and no more.
import { type AclBinding, type Principal, type PrincipalRole, planAcls } from '@affidavit/stream/kafka/acl-plan.ts';
import { redisAclRules } from '@affidavit/stream/redis/acl.ts';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../config/schema.ts';
import { serviceNames, services } from '../service/services.ts';

const roles: readonly PrincipalRole[] = ['agent', ...serviceNames, 'operator'];

/** ROLE=PRINCIPAL, e.g. agent=User:CN=build-7. */
export function principalOption(text: string): Principal {
	const equals = text.indexOf('=');
	const role = roles.find((known) => known === text.slice(0, equals));
	const name = text.slice(equals + 1);
	if (equals < 0 || role === undefined)
		throw new InvalidArgumentError(`expected ROLE=PRINCIPAL, ROLE one of ${roles.join(', ')}.`);
	if (!/^[A-Za-z]+:\P{Cc}{1,500}$/u.test(name))
		throw new InvalidArgumentError('expected a principal as Kafka has it, e.g. User:correlate.');
	return { role, name };
}

/** `given` replaces the default name of its role, User:ROLE. */
export function principalsOf(given: readonly Principal[]): Principal[] {
	const named = new Set(given.map(({ role }) => role));
	return [...roles.filter((role) => !named.has(role)).map((role) => ({ role, name: `User:${role}` })), ...given];
}

export interface RedisUser {
	name: string;
	/** Of ACL SETUSER, without name and password. */
	rules: string[];
}

export interface FleetAcls {
	kafka: AclBinding[];
	redis: RedisUser[];
}

/** The correlator's lists hold the facts that detect judges and sign signs. */
const readsFacts: ReadonlySet<string> = new Set(['detect', 'sign']);

export const fleetAcls = (principals: readonly Principal[], { kafka, redis }: Config): FleetAcls => ({
	kafka: planAcls(principals, kafka),
	redis: serviceNames.map((name) => {
		const rules = services[name].stages.map((stage) =>
			redisAclRules(stage, redis.keyPrefix, readsFacts.has(stage) ? ['correlate'] : []),
		);
		// Each set begins by taking everything away: once is enough, and what follows only adds.
		return { name, rules: [...new Set(rules.flat())] };
	}),
});
