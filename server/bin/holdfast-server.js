#!/usr/bin/env node
import { launch } from '../../launch.mjs';

await launch(new URL('../bundle/main.js', import.meta.url));
