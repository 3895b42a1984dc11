// The roles, and which of them includes which, as the server has them.

/** @typedef {"viewer" | "agent" | "dispatcher" | "auditor" | "admin"} Role */

/** What each may do beside its own. @type {Record<Role, Role[]>} */
const INCLUDED = {
  viewer: [],
  agent: ["viewer"],
  dispatcher: ["agent", "viewer"],
  auditor: ["viewer"],
  admin: ["auditor", "dispatcher", "agent", "viewer"],
};

const ALL = /** @type {Role[]} */ (Object.keys(INCLUDED));

/** @param {Role} role @param {Role} required */
const includes = (role, required) => role === required || (INCLUDED[role]?.includes(required) ?? false);

/** Whether one of these roles includes another. @param {Role[]} roles @param {Role} required */
export const include = (roles, required) => roles.some((role) => includes(role, required));

/** Those who may do what takes a role, as people say it: `agents, dispatchers and admins`. @param {Role} required */
export function whoMay(required) {
  const names = ALL.filter((role) => includes(role, required)).map((role) => `${role}s`);
  const last = names.pop();
  return names.length === 0 ? String(last) : `${names.join(", ")} and ${last}`;
}
