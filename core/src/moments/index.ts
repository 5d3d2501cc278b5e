export { MOMENTS, type Moment, reached, watchMoments } from './moments.js';
