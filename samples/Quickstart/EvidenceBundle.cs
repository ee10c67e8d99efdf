namespace Quickstart;

/// <summary>A small bundle of evidence, such as a cell leaves behind. One of the names is made at run time.</summary>
internal static class EvidenceBundle
{
    internal static void Write(string folder)
    {
        Text("cell.json", """{"cell":"quickstart","image":"sha256:5e1f…","exitCode":0}""");
        Text(
            "events.jsonl",
            string.Concat(Enumerable.Range(1, 400).Select(i => $$"""{"seq":{{i}}}""" + "\n"))
        );
        Text("final report.txt", "All checks passed.\n");
        Text("logs/stderr.log", "");
        Text("logs/stdout.log", string.Concat(Enumerable.Range(1, 2000).Select(i => $"step {i} done\n")));
        Text($"attempts/{Guid.NewGuid():N}.log", "The name of this file was not known before.\n");
        Text("policy/allowed-hosts.txt", "store.internal\n");
        Text("Prüfbericht–証拠.md", "# Prüfbericht\n\nZwölf Schritte, keine Abweichung. 証拠は完全です。\n");
        Bytes("network/capture.pcap", 2 << 20);
        Bytes("screens/0001.png", 48_000);

        void Text(string name, string text) => File.WriteAllText(At(name), text);

        void Bytes(string name, int count)
        {
            var bytes = new byte[count];
            new Random(count).NextBytes(bytes);
            File.WriteAllBytes(At(name), bytes);
        }

        string At(string name)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return path;
        }
    }
}
