import { killAtMoments } from '../faults/kill-at-moments.js';

killAtMoments('agent or gateway', ['agent', 'gateway', 'agent', 'gateway', 'agent', 'gateway', 'agent', 'gateway']);
