/** What a text comes to when its words are counted. */
export interface WordStatistics {
  readonly words: number;
  readonly different: number;
  readonly sentences: number;
  readonly wordsPerSentence: number;
  readonly longest: string;
  /** The most frequent words that are no stop words, most frequent first. */
  readonly top: readonly WordCount[];
}

export interface WordCount {
  readonly word: string;
  readonly count: number;
}

/** Words are runs of letters, in lower case; `counts` has all of them, by frequency, then alphabet. */
export function countWords(text: string): { statistics: WordStatistics; counts: WordCount[] } {
  const words = text.toLowerCase().match(/\p{L}+(?:['’]\p{L}+)*/gu) ?? [];
  const byWord = new Map<string, number>();
  for (const word of words) byWord.set(word, (byWord.get(word) ?? 0) + 1);
  const counts = [...byWord]
    .map(([word, count]) => ({ word, count }))
    .sort((one, other) => other.count - one.count || (one.word < other.word ? -1 : 1));
  const sentences = text.match(/[.!?]+(?=\s|$)/g)?.length ?? 0;
  const statistics = {
    words: words.length,
    different: byWord.size,
    sentences,
    wordsPerSentence: Number((words.length / Math.max(sentences, 1)).toFixed(1)),
    longest: words.reduce((longest, word) => (word.length > longest.length ? word : longest), ''),
    top: counts.filter(({ word }) => !stopWords.has(word)).slice(0, 5),
  };
  return { statistics, counts };
}

const stopWords: ReadonlySet<string> = new Set(
  `a about after all an and are as at be been before both but by for from had has have he her his how
  i if in into is it its less more most no not of off on one only or other our out over so some than
  that the their them then there these they this to two up us was we were what when where which who
  will with would you your`.split(/\s+/),
);
