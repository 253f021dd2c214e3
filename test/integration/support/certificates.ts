import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** An authority, and certificates of it for `localhost`, as files in a folder. Needs `openssl`. */
export function makeCertificates(folder: string) {
  const file = (name: string) => join(folder, name);
  const make = (name: string, ...options: string[]) => {
    const files = { key: file(`${name}.key`), cert: file(`${name}.pem`) };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key];
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-out', files.cert];
    execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...options], { stdio: 'pipe' });
    return files;
  };
  const authority = make('authority');
  const signed = ['-CA', authority.cert, '-CAkey', authority.key, '-addext', 'basicConstraints=critical,CA:FALSE'];
  return {
    ca: authority.cert,
    server: make('server', ...signed, '-addext', 'subjectAltName=DNS:localhost'),
    client: make('client', ...signed),
    stranger: make('stranger'),
  };
}
