// node-zookeeper-client under load, from "running" on the output to a line on the input: numbered znodes, an ephemeral
// one, watches. Then what it did is checked, and told in one line.
'use strict';
const zookeeper = require('node-zookeeper-client');
const { promisify } = require('util');

const client = zookeeper.createClient(process.argv[2], { sessionTimeout: 30000, spinDelay: 50, retries: 3 });
const CONNECTION_LOSS = zookeeper.Exception.CONNECTION_LOSS;
const NODE_EXISTS = zookeeper.Exception.NODE_EXISTS;
let ending = false;
let expired = 0;
let seen = 0;

function call(name, ...given) {
    return promisify(client[name].bind(client))(...given);
}

// An operation whose outcome is not known is asked again.
async function insist(name, ...given) {
    for (;;) {
        try {
            return await call(name, ...given);
        } catch (error) {
            if (error.getCode && error.getCode() === NODE_EXISTS && name === 'create') {
                return given[0];
            }
            if (!error.getCode || error.getCode() !== CONNECTION_LOSS) {
                throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }
}

function watch() {
    client.getChildren('/js', () => { seen += 1; if (!ending) watch(); }, () => {});
}

async function main() {
    client.on('expired', () => { expired += 1; });
    client.connect();
    await new Promise((resolve) => client.once('connected', resolve));
    await insist('create', '/js', Buffer.from('x'));
    await insist('create', '/js-mine', Buffer.from('x'), zookeeper.CreateMode.EPHEMERAL);
    watch();
    let written = 0;
    process.stdin.once('data', () => { ending = true; });
    while (!ending) {
        await insist('create', `/js/n${written}`, Buffer.from(String(written)));
        await insist('setData', '/js', Buffer.from(String(written)), -1);
        written += 1;
        if (written === 50) {
            console.log('running');
        }
    }
    const children = await insist('getChildren', '/js');
    for (let i = 0; i < written; i += 1) {
        if (!children.includes(`n${i}`)) {
            throw new Error(`/js/n${i} is missing of ${written}`);
        }
    }
    if (!await insist('exists', '/js-mine') || expired > 0 || seen < 10) {
        throw new Error(`ephemeral lost, ${expired} expired, ${seen} events`);
    }
    await promisify((done) => client.transaction().create('/js-t').setData('/js-t', Buffer.from('2')).check('/js-t', 1)
        .commit(done))();
    console.log(`${written} writes, ${seen} watch events, one session`);
    client.close();
    setTimeout(() => process.exit(0), 100);
}

main().catch((error) => { console.error(error); process.exit(1); });
