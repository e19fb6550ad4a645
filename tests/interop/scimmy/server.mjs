// A SCIM 2.0 service provider that others wrote: scimmy does the protocol, this file only stores.
//
// Everything is kept in memory. It listens on 127.0.0.1 at $PORT (default: any free one), demands
// the bearer token in $SCIM_TOKEN and prints its base URL as its first line. Beside /scim there are
// GET /test/state (resources and the requests seen since the last reset) and POST /test/reset.
//
// What scimmy 1.3.5 does otherwise than the RFCs or than other servers, and what makes it worth testing with:
// - past the end of a listing it answers with the first page, echoing the startIndex that was asked for;
//   itemsPerPage is the count that was asked for, not the number of resources; the default page has 20
// - filters compare userName and displayName with their case, and answer 400 to emails.value as soon as
//   one user has no e-mail; an unknown attribute in a filter matches nothing instead of 400
// - replace and add at emails[type eq "work"].value need such a value: 400 noTarget otherwise; likewise at
//   the enterprise extension's manager.value, while manager itself can be replaced
// - an unknown attribute is dropped from POST and PUT, but is 400 invalidPath in PATCH; "True" is no boolean
// - a PATCH that changes nothing answers 204, another 200 with the resource
// - meta.location is relative; there is no meta.version, and the ETag header is Express's own
// - PATCH reads, then writes: two at once on one group may lose one

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const token = process.env.SCIM_TOKEN;
if (!token) throw new Error("SCIM_TOKEN is not set");

const users = new Map();
const groups = new Map();
let requests = [];

const notFound = (id) => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
const sameText = (a, b) => a?.toLowerCase() === b?.toLowerCase();

/** Return the stored resource, or answer 404. */
function stored(resources, id) {
    if (!resources.has(id)) throw notFound(id);
    return resources.get(id);
}

/** Keep a new or changed resource; `key` must stay unique, whatever its case. */
function keep(resources, key, id, sent) {
    const before = id ? stored(resources, id) : undefined;
    for (const other of resources.values()) {
        if (other !== before && sameText(other[key], sent[key])) {
            throw new SCIMMY.Types.Error(409, "uniqueness", `${key} '${sent[key]}' is taken`);
        }
    }
    const now = new Date().toISOString();
    const created = before?.meta.created ?? now;
    // Through JSON: the library hands over accessors and dates, the store keeps plain values.
    const plain = JSON.parse(JSON.stringify(sent));
    const resource = { ...plain, id: id ?? randomUUID(), meta: { created, lastModified: now } };
    resources.set(resource.id, resource);
    return resource;
}

const memberships = (id) =>
    [...groups.values()]
        .filter((group) => group.members?.some((member) => member.value === id))
        .map((group) => ({ value: group.id, display: group.displayName, type: "direct" }));

const shownUser = (user) => ({ ...user, groups: memberships(user.id) });

/** Return one resource by id, or all that the filter leaves; the library pages and sorts. */
function find(resources, resource, shown) {
    if (resource.id) return shown(stored(resources, resource.id));
    const all = [...resources.values()].map(shown);
    return resource.filter ? resource.filter.match(all) : all;
}

SCIMMY.Resources.declare(SCIMMY.Resources.User, {
    extensions: [{ schema: SCIMMY.Schemas.EnterpriseUser, required: false }],
    ingress: ({ id }, sent) => shownUser(keep(users, "userName", id, sent)),
    egress: (resource) => find(users, resource, shownUser),
    degress: ({ id }) => {
        if (!users.delete(id)) throw notFound(id);
        for (const group of groups.values()) {
            group.members = group.members?.filter((member) => member.value !== id);
        }
    },
});

SCIMMY.Resources.declare(SCIMMY.Resources.Group, {
    ingress: ({ id }, sent) => {
        const values = [...new Set((sent.members ?? []).map((member) => member.value))];
        const unknown = values.find((value) => !users.has(value));
        if (unknown !== undefined) {
            throw new SCIMMY.Types.Error(400, "invalidValue", `Member '${unknown}' does not exist`);
        }
        const members = values.map((value) => ({ value, display: users.get(value).userName, type: "User" }));
        return keep(groups, "displayName", id, { ...sent, members });
    },
    egress: (resource) => find(groups, resource, (group) => group),
    degress: ({ id }) => {
        if (!groups.delete(id)) throw notFound(id);
    },
});

const app = express();
app.get("/test/state", (_, res) => {
    res.send({ users: [...users.values()], groups: [...groups.values()], requests });
});
app.post("/test/reset", (_, res) => {
    users.clear();
    groups.clear();
    requests = [];
    res.status(204).end();
});
app.use("/scim", (req, res, next) => {
    res.on("finish", () => requests.push({ method: req.method, url: req.originalUrl, status: res.statusCode }));
    next();
});
app.use("/scim", new SCIMMYRouters({
    type: "bearer",
    handler: (req) => {
        if (req.header("Authorization") !== `Bearer ${token}`) throw new Error("The token is wrong");
        return "interop";
    },
}));

const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/scim`);
});
process.on("SIGTERM", () => process.exit(0));
