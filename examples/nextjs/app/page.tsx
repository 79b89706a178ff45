import { SSEManager } from 'roomcast/backend';
import { Payments } from './payments';

// Next.js must render this page for each request, because it shows a current count.
export const dynamic = 'force-dynamic';

export default async function Page() {
  const { total } = await SSEManager.getConnections();
  return (
    <main>
      <header>
        <h1>Payments</h1>
        <p>
          When the server rendered this, {total === 1 ? '1 page was' : `${total} pages were`} connected.
        </p>
      </header>
      <Payments />
    </main>
  );
}
