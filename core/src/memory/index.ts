export { collectSeldom, collectYoung, YoungGarbage } from './young-garbage.js';
