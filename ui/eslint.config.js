/** Strict, typed lint. Two seams are guarded here: Tauri in one file, and no words written into components. */
import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/generated', 'src/paraglide', 'src/wasm', '**/*.mjs', 'eslint.config.js', 'stylelint.config.js'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': hooks },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // A failure crosses as plain data, as the contract says.
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      'no-console': 'error',
      'no-restricted-imports': ['error', { patterns: [{ group: ['@tauri-apps/*'], message: 'Only src/host/tauri.ts knows Tauri.' }] }],
      'no-restricted-syntax': [
        'error',
        { selector: 'JSXText[value=/\\p{L}{2}/u]', message: 'Words come from messages/, not from a component.' },
        { selector: "JSXAttribute[name.name=/^(aria-label|title|placeholder|alt)$/] > Literal[value=/\\p{L}{2}/u]", message: 'Words come from messages/, not from a component.' },
        { selector: 'Literal[value=/#[0-9a-fA-F]{3,8}$/]', message: 'Colours come from tokens.css.' },
      ],
    },
  },
  { files: ['src/host/tauri.ts'], rules: { 'no-restricted-imports': 'off' } },
  { files: ['src/host/faults.ts'], rules: { 'no-console': 'off' } },
  { files: ['src/**/*.test.{ts,tsx}', 'src/stories/**', 'src/**/*.story.tsx'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
);
