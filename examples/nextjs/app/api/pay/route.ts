import { sendPaymentNotification } from 'roomcast/backend';

/** Takes a payment and notifies the user who paid. */
export async function POST(request: Request) {
  const amount = Number((await request.formData()).get('amount'));
  if (!(amount > 0)) return Response.json({ error: 'amount must be above 0' }, { status: 400 });

  const paymentId = crypto.randomUUID();
  // An application would take the money here and store the payment.
  const delivered = await sendPaymentNotification(
    paymentId, 'completed', { amount, currency: 'EUR', description: 'An example' }, 'user', 'user123',
  );
  return Response.json({ paymentId, delivered });
}
