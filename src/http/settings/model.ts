/** Bodies of the settings. */
import { Type } from '@sinclair/typebox';
import { shape } from '../body';

export const MaxCustomersBody = shape(
  Type.Object({ max_customers: Type.Integer({ minimum: 1, maximum: 1000 }) }),
  'max_customers must be a whole number from 1 to 1000, as a JSON number.',
);

export const MarkAsResolvedBody = shape(
  Type.Object({ url: Type.String(), enable: Type.Optional(Type.Boolean({ default: true })) }),
  'url must be a text; enable, if given, true or false.',
);
