// Makes a component of JavaScript modules: node js.mjs COMPILER SOURCE WIT WORLD OUT
// As componentize-js does on its command line, which leaves what it starts without a folder for its cache.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [compiler, sourcePath, witPath, worldName, out] = process.argv.slice(2);
const { componentize } = await import(pathToFileURL(compiler));
try {
  const env = { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME };
  const { component } = await componentize({ sourcePath, witPath, worldName, env });
  await writeFile(out, component);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
