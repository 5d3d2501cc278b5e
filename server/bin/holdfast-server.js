#!/usr/bin/env node
import { launch } from '../../launch.mjs';

await launch(new URL('../dist/main.js', import.meta.url));
