// Makes the component of main.js. componentize-js can do that on its command line too, but compiles its engine anew each
// time then: what it starts is given no folder to keep it in.
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';

const env = { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache` };
try {
  const { component } = await componentize({ sourcePath: 'main.js', witPath: 'wit', worldName: 'app', env });
  await writeFile('build/@NAME@.wasm', component);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
