export { collectAll, collectSeldom, collectYoung, YoungGarbage } from './young-garbage.js';
