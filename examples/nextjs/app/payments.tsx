'use client';

import { useEffect, useState } from 'react';
import type { Catalogue } from 'roomcast';
import { useEventSource } from 'roomcast/react';

type Payment = Catalogue['payment:completed'];

/** What user123 has paid, as it happens. */
export function Payments() {
  const [payments, setPayments] = useState<Payment[]>([]);
  const { connected, addHandler, removeHandler } = useEventSource({ userId: 'user123', username: 'john_doe' });

  useEffect(() => {
    const handlePayment = (data: Payment) => setPayments((earlier) => [data, ...earlier]);
    addHandler('payment:completed', handlePayment);
    return () => removeHandler('payment:completed', handlePayment);
  }, [addHandler, removeHandler]);

  const pay = async (form: FormData) => {
    await fetch('/api/pay', { method: 'POST', body: form });
  };

  return (
    <section>
      <form action={pay}>
        <label>
          Amount <input name="amount" type="number" min="0.01" step="0.01" defaultValue="9.99" required />
        </label>
        <button>Pay</button>
        <output data-connected={connected}>{connected ? 'connected' : 'connecting…'}</output>
      </form>
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
      {payments.length === 0 && <p>No payment yet. Pay something, here or in another tab.</p>}
    </section>
  );
}
