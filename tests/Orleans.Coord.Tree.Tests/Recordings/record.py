"""Records what a real ZooKeeper answers to random requests, for RecordingTests.

usage: record.py MODE SEED COUNT FILE
MODE is acl (access control lists, no watches) or watch (open lists, one-shot watches). The server must be fresh for
each recording, version 3.8, on localhost:23181, extended types off:
    tickTime=2000, dataDir=..., clientPort=23181, admin.enableServer=false
FILE gets a head (mode, seed, session id, digest id), then a line for each request, fields separated by tabs:
operation, body in hex, reply's zxid, reply's code, reply's body in hex, events (type and path) before the reply.
Times are zeroed, names in listings sorted. Not asked, since 3.8.0 answers wrongly or never: a check on its own,
createTTL modes in a multi's create, addWatch on top of one-shot watches.
"""
import socket,struct,random,sys
mode,seed,n,out=sys.argv[1],int(sys.argv[2]),int(sys.argv[3]),sys.argv[4]
R=random.Random(seed)
s=socket.create_connection(('127.0.0.1',23181)); s.settimeout(5)
def fr(b): s.sendall(struct.pack('>i',len(b))+b)
def rx(k):
    b=b''
    while len(b)<k:
        c=s.recv(k-len(b))
        if not c: raise EOFError
        b+=c
    return b
def rd(): return rx(struct.unpack('>i',rx(4))[0])
fr(struct.pack('>iqiqi',0,0,30000,0,16)+b'\0'*16); w=rd(); sid=struct.unpack('>q',w[8:16])[0]
lines=[]
def st(p): return struct.pack('>i',-1) if p is None else struct.pack('>i',len(p))+p
i32=lambda v: struct.pack('>i',v)
xid=[0]
def req(t,b):
    xid[0]+=1; fr(struct.pack('>ii',xid[0],t)+b); ev=[]
    while True:
        r=rd(); x,z,e=struct.unpack('>iqi',r[:16])
        if x==-1:
            ty,stt,ln=struct.unpack('>iii',r[16:28]); ev.append('%d %s'%(ty,r[28:].decode())); continue
        assert x==xid[0],(x,xid); break
    body=mask(t,r[16:]) if e==0 else b''
    lines.append('\t'.join([str(t),b.hex(),str(z),str(e),body.hex(),'|'.join(ev)])); return e,body
def mst(b,o): return b[:o+16]+b'\0'*16+b[o+32:]   # ctime, mtime
def srt(b,o):
    n=struct.unpack('>i',b[o:o+4])[0]; p=o+4; names=[]
    for _ in range(n):
        l=struct.unpack('>i',b[p:p+4])[0]; names.append(b[p+4:p+4+l]); p+=4+l
    return b[:o+4]+b''.join(st(x) for x in sorted(names))+b[p:],p
def strend(b,o):
    l=struct.unpack('>i',b[o:o+4])[0]; return o+4+max(l,0)
def mask1(t,b,o):
    if t in (3,5,7): return mst(b,o),o+68
    if t==4: e=strend(b,o); return mst(b,e),e+68
    if t in (15,19,21): e=strend(b,o); return mst(b,e),e+68
    if t==1: return b,strend(b,o)
    if t in (8,103): return srt(b,o)
    if t==12: b,e=srt(b,o); return mst(b,e),e+68
    if t==6: return mst(b,len(b)-68),len(b)
    if t==-1: return b,o+4
    return b,o
def mask(t,b):
    if t in (14,22):
        o=0
        while True:
            ty,d,e=struct.unpack('>ibi',b[o:o+9]); o+=9
            if d: return b
            b,o=mask1(ty,b,o)
    return mask1(t,b,0)[0] if b else b
names=[b'a',b'b',b'c',b'q']
base=b'/t%d'%seed
def path():
    k=R.random()
    if k<.03: return R.choice([b'',b'/',b'a',b'//',b'/zookeeper',b'/zookeeper/config',b'/zookeeper/quota',base+b'/a/',base+b'/./a',base+b'/a\x01',base+b'/a\0b','/t\u00fc'.encode(),None])
    return base+b''.join(b'/'+R.choice(names) for _ in range(R.randint(0 if R.random()<.1 else 1,3)))
import hashlib,base64
dig=b'bob:'+base64.b64encode(hashlib.sha1(b'bob:pw').digest())
def acl():
    if mode=='watch' or R.random()<.55: e=[(31,b'world',b'anyone')]
    else:
        e=R.choice([[(1,b'world',b'anyone')],[(30,b'world',b'anyone')],[(23,b'world',b'anyone')],[(27,b'world',b'anyone')],
          [(31,b'auth',b'')],[(31,b'digest',dig),(1,b'world',b'anyone')],[(31,b'digest',b'eve:zzz'),(17,b'digest',dig)],[(1,b'digest',b'eve:zzz'),(15,b'world',b'anyone')],
          [(31,b'ip',b'127.0.0.1')],[(31,b'ip',b'10.0.0.0/8'),(1,b'world',b'anyone')],[(31,b'ip',b'127.0.0.0/8')],[(31,b'ip',b'1.2.3')],[(31,b'digest',b'nocolon')],[(31,b'digest',b'a:b:c')],[(31,b'nope',b'x')],[(31,b'world',b'eve')],[],
          [(1,b'world',b'anyone'),(1,b'world',b'anyone'),(30,b'digest',dig)],[(31,None,b'x')],[(31,b'auth',None)]])
    return i32(len(e))+b''.join(i32(p)+st(a)+st(b) for p,a,b in e)
def data(): return None if R.random()<.2 else bytes(R.randint(0,255) for _ in range(R.randint(0,12)))
def ver(): return R.choice([-1,-1,-1,0,1,2])
def flags(multi): 
    return R.choice([0,0,0,1,1,2,3,4,4,5,6,7,-1]) if R.random()<.5 else R.choice([0,1,2,3])
def wop(multi):
    k=R.random()
    if k<.45:
        t=R.choice([1,1,1,15,19,21] if not multi else [1,15,19,21]); f=flags(multi)
        if multi and t!=21 and f in (5,6): f=0
        ttl=R.choice([-1,-1,1,1000]) 
        if t==21 and f in (0,1,2,3,4) : ttl= ttl if multi else 1000
        return t,st(path())+st(data())+acl()+i32(f)+(struct.pack('>q',ttl) if t==21 else b'')
    if k<.65: return 2,st(path())+i32(ver())
    if k<.9 or multi is False: 
        if not multi and R.random()<.3: return 7,st(path())+acl()+i32(ver())
        return 5,st(path())+st(data())+i32(ver())
    return 13,st(path())+i32(ver())
mh=lambda t,d=0,e=-1: struct.pack('>ibi',t,d,e)
def op():
    k=R.random()
    if k<.42: return wop(False)
    if k<.55:
        b=b''
        for _ in range(R.randint(0,4)):
            t,x=wop(True); b+=mh(t)+x
        if R.random()<.05: b+=mh(4)+st(base)+b'\0'
        return 14,b+mh(-1,1)
    if k<.6:
        b=b''
        for _ in range(R.randint(0,4)):
            b+=mh(R.choice([4,8]))+st(path())+b'\0'
        if R.random()<.05: b+=mh(2)+st(base)+i32(-1)
        return 22,b+mh(-1,1)
    if mode=='watch' and k<.66:
        j=R.random()
        if j<.5:
            v=lambda: i32(2)+b''.join(st(base+b'/'+R.choice(names)) for _ in range(2))
            return 101,struct.pack('>q',R.choice([0,1<<40,zx[0]-3]))+v()+v()+v()
        return R.choice([17,18]),st(base+b'/'+R.choice(names))+i32(R.choice([1,2,3,0]))
    t=R.choice([3,4,4,6,8,12,104,103])
    p=path()
    if t==103: return t,st(R.choice([b'',b'/',base,base+b'/a',b' ']))
    if t in (6,104): return t,st(p)
    wt = mode=='watch' and R.random()<.6 and p is not None and p.startswith(base)
    return t,st(p)+(b'\1' if wt else b'\0')
zx=[0]
if mode=='acl':
    fr(struct.pack('>iii',-4,100,0)+st(b'digest')+st(b'bob:pw')); r=rd()
req(1,st(base)+st(b'')+i32(1)+i32(31)+st(b'world')+st(b'anyone')+i32(0))
zx[0]=int(lines[0].split('\t')[2])
for i in range(n):
    t,b=op()
    if R.random()<.02: b=b[:R.randint(0,len(b))]
    try: req(t,b)
    except (EOFError,socket.timeout) as e: print('closed at',t,b.hex(),repr(e)); break
    zx[0]=int(lines[-1].split('\t')[2])
fr(struct.pack('>ii',99999,-11)); 
open(out,'w').write('\t'.join([mode,str(seed),str(sid),dig.decode()])+'\n'+'\n'.join(lines)+'\n')
print(len(lines))
