import { sendPaymentNotification } from 'roomcast/backend';

/** Takes a payment, and tells whoever pays that it was completed. */
export async function POST(request: Request) {
  const amount = Number((await request.formData()).get('amount'));
  if (!(amount > 0)) return Response.json({ error: 'amount must be above 0' }, { status: 400 });

  const paymentId = crypto.randomUUID();
  // … this is where an application takes the money and notes that it did …
  const delivered = await sendPaymentNotification(
    paymentId, 'completed', { amount, currency: 'EUR', description: 'An example' }, 'user', 'user123',
  );
  return Response.json({ paymentId, delivered });
}
