/** Where the scripts of a machine are, without the leading slash. */
export const scriptFolder = 'usr/lib/virga'
