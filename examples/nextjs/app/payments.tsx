'use client';

import { useEffect, useState, type FormEvent } from 'react';
import type { Catalogue } from 'roomcast';
import { useEventSource } from 'roomcast/react';

type Payment = Catalogue['payment:completed'];

/** The payments of user123, live. */
export function Payments() {
  const [payments, setPayments] = useState<Payment[]>([]);
  const { connected, addHandler, removeHandler } = useEventSource({ userId: 'user123', username: 'john_doe' });

  useEffect(() => {
    const handlePayment = (data: Payment) => setPayments((earlier) => [data, ...earlier]);
    addHandler('payment:completed', handlePayment);
    return () => removeHandler('payment:completed', handlePayment);
  }, [addHandler, removeHandler]);

  return (
    <section>
      <output data-connected={connected}>{connected ? 'connected' : 'connecting…'}</output>
      <PayForm />
      <ol aria-live="polite" aria-label="Completed payments">
        {payments.map(({ paymentId, amount, currency }) => (
          <li key={paymentId}>
            <strong>
              {amount?.toFixed(2)} {currency}
            </strong>
            <small>{paymentId}</small>
          </li>
        ))}
      </ol>
      {payments.length === 0 && <p>No payments yet. Pay in this tab or in another one.</p>}
    </section>
  );
}

/** Sends a payment to the route handler. The list shows the payment when the notification arrives. */
function PayForm() {
  const [failed, setFailed] = useState(false);

  const pay = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const response = await fetch('/api/pay', { method: 'POST', body: new FormData(event.currentTarget) }).catch(() => undefined);
    setFailed(!response?.ok);
  };

  return (
    <form onSubmit={pay} method="post" action="/api/pay">
      <label>
        Amount <input name="amount" type="number" min="0.01" step="0.01" defaultValue="9.99" required />
      </label>
      <button>Pay</button>
      {failed && <span role="alert">The payment failed. Try again.</span>}
    </form>
  );
}
