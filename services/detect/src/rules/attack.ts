/** MITRE ATT&CK (Enterprise) techniques that the shipped rules name, with their titles. A rule may name only these. */
export const attackTechniques: ReadonlyMap<string, string> = new Map([
	['T1055', 'Process Injection'],
	['T1055.008', 'Process Injection: Ptrace System Calls'],
	['T1070', 'Indicator Removal'],
	['T1195.001', 'Supply Chain Compromise: Compromise Software Dependencies and Development Tools'],
	['T1195.002', 'Supply Chain Compromise: Compromise Software Supply Chain'],
	['T1554', 'Compromise Host Software Binary'],
	['T1562', 'Impair Defenses'],
	['T1562.001', 'Impair Defenses: Disable or Modify Tools'],
	['T1562.006', 'Impair Defenses: Indicator Blocking'],
	['T1565.001', 'Data Manipulation: Stored Data Manipulation'],
	['T1565.002', 'Data Manipulation: Transmitted Data Manipulation'],
	['T1059.004', 'Command and Scripting Interpreter: Unix Shell'],
	['T1552.001', 'Unsecured Credentials: Credentials In Files'],
	['T1071.001', 'Application Layer Protocol: Web Protocols'],
	['T1105', 'Ingress Tool Transfer'],
]);

export const attackPattern = /^T[0-9]{4}(\.[0-9]{3})?$/;
