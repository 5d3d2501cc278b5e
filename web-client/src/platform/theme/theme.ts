import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const harbor: MantineColorsTuple = [
  '#e9f7f6',
  '#d2ecea',
  '#a6d9d5',
  '#76c4bf',
  '#56b8b2',
  '#2f9d97',
  '#17837e',
  '#0f6e6a',
  '#0b5c59',
  '#064745',
];

/** Surfaces, lines and text of the dark scheme, as cool as the accent. */
const dark: MantineColorsTuple = [
  '#e4e9ec',
  '#c3ccd2',
  '#a4b0b8',
  '#7d8a93',
  '#3b454c',
  '#2a3237',
  '#232a2f',
  '#14181b',
  '#101315',
  '#0b0d0f',
];

export const theme = createTheme({
  colors: { harbor, dark },
  primaryColor: 'harbor',
  primaryShade: 7,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Modal: {
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.5 } },
      styles: {
        content: { background: 'var(--hf-surface)' },
        header: { background: 'var(--hf-surface)' },
        title: { fontWeight: 700, fontSize: 'var(--mantine-font-size-lg)' },
      },
    },
  },
});

/** Secondary text keeps a contrast of 4.5 : 1 on every surface of both schemes. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f6f8f9',
    '--mantine-color-dimmed': '#4d5963',
    '--mantine-color-placeholder': '#667079',
    '--mantine-color-error': '#b3261e',
    '--hf-surface': '#ffffff',
    '--hf-line': '#dde3e7',
    '--hf-shade': 'rgb(20 24 27 / 25%)',
    '--hf-good': '#12703a',
    '--hf-good-tint': '#e3f4e9',
    '--hf-busy': '#1a5fa8',
    '--hf-busy-tint': '#e5f0fb',
    '--hf-warn': '#855300',
    '--hf-warn-tint': '#fdf2db',
    '--hf-bad': '#b3261e',
    '--hf-bad-tint': '#fcebe9',
    '--hf-idle': '#4d5963',
    '--hf-idle-tint': '#ebeff2',
  },
  dark: {
    '--mantine-color-body': '#14181b',
    '--mantine-color-text': '#e4e9ec',
    '--mantine-color-dimmed': '#a4b0b8',
    '--mantine-color-placeholder': '#97a3ab',
    '--mantine-color-error': '#ff9d93',
    '--hf-surface': '#1c2226',
    '--hf-line': '#323b41',
    '--hf-shade': 'rgb(0 0 0 / 60%)',
    '--hf-good': '#6fd39a',
    '--hf-good-tint': '#163524',
    '--hf-busy': '#8cc3ff',
    '--hf-busy-tint': '#15304b',
    '--hf-warn': '#f3c067',
    '--hf-warn-tint': '#3a2c0d',
    '--hf-bad': '#ff9d93',
    '--hf-bad-tint': '#43201d',
    '--hf-idle': '#a4b0b8',
    '--hf-idle-tint': '#2a3237',
  },
});
