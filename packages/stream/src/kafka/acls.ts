// ACLs at the brokers: adds what a plan says (acl-plan.ts). Never takes any away: who else may what is not ours to know.
import type { AclBinding, AclOperation } from './acl-plan.ts';
import type { KafkaConnection } from './options.ts';
import { withAdmin } from './topics.ts';

/** Kafka's protocol numbers. */
const operations: Readonly<Record<AclOperation, number>> = {
	Read: 3,
	Write: 4,
	Create: 5,
	Describe: 8,
	DescribeConfigs: 10,
	AlterConfigs: 11,
};
const resources = { topic: 2, group: 3 } as const;
const allow = 3;
const literal = 3;

/** May be repeated. Needs Alter on the cluster: the administrator's right, not the operator's. */
export async function applyAcls(connection: KafkaConnection, bindings: readonly AclBinding[]): Promise<void> {
	if (bindings.length === 0) return;
	await withAdmin(connection, 'adding ACLs', async (admin) => {
		await admin.createAcls({
			acl: bindings.map(({ principal, resource, name, host, operation }) => ({
				resourceType: resources[resource],
				resourceName: name,
				resourcePatternType: literal,
				principal,
				host: host ?? '*',
				operation: operations[operation],
				permissionType: allow,
			})),
		});
	});
}
