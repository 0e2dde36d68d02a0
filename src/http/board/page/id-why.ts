/** What the journal tells, in Indonesian. */
import { durationText } from './times.js';
import { limitIn, type WhyWords } from './why-words.js';

export const why: WhyWords = {
  fallback: 'agent cadangan, karena pelanggan sudah menunggu terlalu lama',
  lowest: (load, limit) => `beban paling ringan, ${load} dari ${limit}`,
  nextBest: (name, load) => `berikutnya ${name} dengan ${load}`,
  sameLoad: (name) => `beban ${name} sama, tetapi gilirannya belakangan`,
  nobodyElse: 'tidak ada agent lain yang luang',
  takenFrom: (name) => `diambil dari ${name}, jadi agent lain didahulukan`,
  counts: {
    full: (n) => `${n} penuh`,
    paused: (n) => `${n} dijeda`,
    offline: (n) => `${n} offline`,
    aside: (n) => `${n} disisihkan`,
    off_channel: (n) => `${n} bukan di channel ini`,
  },
  reasons: {
    exceed_max_agents: 'di Qiscus sudah ada orang di room itu',
    already_resolved: 'di Qiscus sudah selesai',
    shown_resolved: 'di Qiscus sudah selesai',
    slow_down: 'Qiscus meminta kami melambat',
    left_behind: 'proses demi proses berhenti saat menanganinya',
    agent_offline: 'menjadi offline',
    agent_paused: 'dijeda',
    agent_gone: 'sudah pergi, dan di Qiscus tidak ada siapa pun di room itu',
    'unreadable answer': 'jawaban Qiscus tidak dapat dibaca',
  },
  answered: (status) => `Qiscus menjawab ${status}`,
  denied: (status) => `Qiscus tidak menerima kredensial kami (${status})`,
  events: {
    'room.reserved': ({ f, name }) => [`Diberikan kepada ${name(f.agent)}`],
    'room.waiting': ({ f }) => [`Masuk antrean di urutan ${f.position}`, 'belum ada agent yang sesuai dan luang'],
    'room.assigned': ({ f, name }) => [
      `Qiscus memberikannya kepada ${name(f.agent)}`,
      [
        Number(f.waited) >= 1_000 && `pelanggan sudah menunggu ${durationText(Number(f.waited) / 1000, 'id')}`,
        f.reason === 'inferred' && 'disimpulkan: panggilan sebelumnya ternyata sampai',
      ]
        .filter(Boolean)
        .join('; '),
    ],
    'room.released': ({ f, name }) => [
      f.reason === 'resolved'
        ? 'Selesai'
        : f.reason === 'deleted'
          ? 'Dibuang oleh operator'
          : f.was === 'waiting'
            ? 'Dikeluarkan dari antrean oleh operator'
            : 'Ditutup oleh operator',
      f.agent ? `satu slot ${name(f.agent)} bebas lagi` : undefined,
    ],
    'room.closed': () => ['Ditutup', 'di Qiscus sudah selesai'],
    'room.repaired': ({ f, name }) => [
      `Webhook selesai yang hilang diperbaiki: satu slot ${name(f.agent)} bebas lagi`,
      f.qiscus === 'missing' ? 'Qiscus tidak mencantumkan room itu lagi' : 'Qiscus menunjukkan room itu sudah selesai',
    ],
    'room.adopted': ({ f }) => [
      f.reason === 'came_back'
        ? 'Pelanggan kembali: masuk ke antrean'
        : f.reason === 'still_listed'
          ? 'Kembali ke antrean: ditutup di sini, tetapi masih terbuka di Qiscus'
          : f.qiscus === 'served'
            ? 'Masuk ke antrean: webhooknya tidak sampai ke sini'
            : 'Webhook yang hilang diperbaiki: masuk ke antrean',
      f.qiscus === 'served' ? 'Qiscus mencantumkannya sedang dilayani' : 'Qiscus mencantumkannya belum dilayani',
    ],
    'room.superseded': () => [
      'Chat sebelumnya ditutup',
      'webhook selesainya hilang: pelanggan sudah memulai chat baru',
    ],
    'room.refused': ({ f, name }) => [`Qiscus menolak ${name(f.agent)}; akan dicoba lagi`],
    'room.parked': () => ['Diparkir: perlu ditangani orang'],
    'room.requeued': ({ f, name }) => [
      f.was === 'assigned' ? `Diambil dari ${name(f.agent)} oleh operator` : 'Dikembalikan ke antrean oleh operator',
    ],
    'room.returned': ({ f, name }) => ['Kembali ke tempat lamanya di antrean', name(f.agent)],
    'room.due': () => ['Masuk antrean lagi setelah jeda'],
    'room.expired': () => ['Ditutup', 'sudah menunggu terlalu lama'],
    'room.erased': () => ['Nama pelanggan dihapus oleh operator'],
    'room.compared': ({ f, name }) => [
      f.theirs ? `Didapat oleh ${name(f.theirs)}` : 'Tidak diketahui siapa yang mendapatnya',
      f.agent ? `dry run memilih ${name(f.agent)}` : 'dry run tidak memilih siapa pun',
    ],
    'room.questioned': ({ f, name }) => [`Qiscus ditanya apakah ${name(f.agent)} masih memegangnya`],
    'room.answered': ({ f, name }) => [
      f.qiscus === 'held'
        ? 'Qiscus: ada yang memegangnya'
        : f.qiscus === 'taken_again'
          ? `Qiscus: tidak ada yang memegangnya; kini ${name(f.agent)} lagi`
          : f.qiscus === 'refused'
            ? `Qiscus menolak ${name(f.agent)} untuk room ini`
            : 'Qiscus tidak menjawab',
    ],
    'entry.repeated': () => ['Webhook yang sama datang lagi: tidak ada yang berubah'],
    'entry.stale': () => ['Tampak seperti webhook terlambat dari chat sebelumnya: belum ada yang berubah'],
    'entry.unheld': () => ['Selesai, dan tidak ada yang memegangnya'],
    'entry.buried': () => ['Sebuah webhook tidak dapat diterapkan: lihat dead letter'],
    'entry.replayed': () => ['Sebuah webhook dicoba lagi oleh operator'],
    'entry.deleted': () => ['Sebuah webhook dibuang oleh operator'],
    'call.sent': ({ f, name }) => [`Qiscus diminta memberikannya kepada ${name(f.agent)}`],
    'call.deferred': ({ f, name }) => [`Belum dikonfirmasi Qiscus: tetap untuk ${name(f.agent)}, dan ditanyakan lagi`],
    'call.due': () => ['Qiscus ditanya lagi'],
    'call.reclaimed': () => ['Diambil alih dari proses yang berhenti'],
    'call.fenced': () => ['Jawaban Qiscus yang terlambat: tidak ada yang berubah'],
    'agent.limited': ({ f, name }) => [
      `Batas ${name(f.agent)} diubah menjadi ${limitIn(f.to, 'batas bawaan')} oleh operator`,
    ],
    'agent.paused': ({ f, name }) => [`${name(f.agent)} dijeda oleh operator`],
    'agent.unpaused': ({ f, name }) => [`${name(f.agent)} diaktifkan lagi oleh operator`],
    'agent.offline': ({ f, name }) => [
      `${name(f.agent)} disisihkan sementara`,
      'Qiscus menolak dua chat berturut-turut',
    ],
    'limit.changed': ({ f }) => [`Batas bawaan ${f.from} → ${f.to}`],
    'qiscus.paused': ({ f }) => [
      'Panggilan ke Qiscus berhenti',
      f.state === 'denied'
        ? 'Qiscus tidak menerima kredensial kami'
        : f.state === 'slowed'
          ? 'Qiscus meminta kami melambat'
          : 'Qiscus tidak menjawab',
    ],
    'qiscus.recovered': () => ['Qiscus menjawab lagi'],
  },
};
