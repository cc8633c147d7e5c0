import http from 'node:http'
import fs from 'node:fs'
import { pullImage, listImages } from '@virga/guest'
import { CacheFolder, cacheRoot } from './cache-folder.ts'
import { fetchNetwork } from './fetch-network.ts'
import { findMirror } from './mirror.ts'
const root='/tmp/guest/mirror'
const server = http.createServer((q,s)=>{ const f=root+decodeURIComponent(q.url!.replace('/debian','')); if(!fs.existsSync(f)){s.writeHead(404).end();return}
 const size=fs.statSync(f).size; const r=/bytes=(\d+)-/.exec(q.headers.range??''); const start=r?Number(r[1]):0
 s.writeHead(r?206:200,{'content-length':size-start,...(r?{'content-range':`bytes ${start}-${size-1}/${size}`}:{})}); fs.createReadStream(f,{start}).pipe(s)})
server.listen(0,'127.0.0.1',async()=>{
 const env={...process.env, VIRGA_DEBIAN_MIRROR:`http://127.0.0.1:${(server.address() as any).port}/debian`}
 const t=performance.now()
 const store=new CacheFolder(cacheRoot(process.env))
 let last=''
 const r=await pullImage({name:'micro',mirror:()=>findMirror(env),store,network:fetchNetwork(env),progress:(e)=>{ const k=e.kind+('label' in e?e.label:''); if(k!==last)console.log(Math.round(performance.now()-t),JSON.stringify(e)); last=k}})
 console.log(JSON.stringify(r,null,1), performance.now()-t, process.memoryUsage().rss/1e6)
 console.log((await listImages(store)).length)
 server.close()
})
