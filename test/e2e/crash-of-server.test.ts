import { killAtMoments } from '../faults/kill-at-moments.js';

killAtMoments('server', ['control', 'all', 'control', 'all', 'control', 'all', 'control']);
