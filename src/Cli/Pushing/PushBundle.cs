using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Bundles;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>What a push is to export: the PATHs of the command line, or what the spec lists.</summary>
/// <param name="Spec">The spec with just these artifacts.</param>
/// <param name="Artifacts">In the order of the names, or of the spec.</param>
/// <param name="LeftOut">
/// The links, pipes, sockets and devices in folders, and the files there that this command itself uses, which are left
/// out; a sentence each.
/// </param>
/// <param name="Empty">The folders without a file; a sentence each.</param>
/// <param name="Notes">All that is left out or has nothing in it; a sentence each.</param>
internal sealed record PushBundle(
    S3ExportSpec Spec,
    IReadOnlyList<PlannedArtifact> Artifacts,
    IReadOnlyList<string> LeftOut,
    IReadOnlyList<string> Empty,
    IReadOnlyList<string> Notes
)
{
    /// <summary>True if other shards have artifacts, which other runs export.</summary>
    internal bool HasOtherShards { get; private init; }

    /// <summary>
    /// The artifacts of other shards where several targets may write to one object; empty where there is one target, whose
    /// URLs are compared with the whole list, and whose bundle may be large.
    /// </summary>
    internal IReadOnlyList<PlannedArtifact> OtherShards { get; private init; } = [];

    /// <summary>
    /// Returns a sentence for each kind of content that is there now and was not exported. It takes the paths of exported
    /// files that changed since.
    /// </summary>
    private Func<IReadOnlySet<string>, IReadOnlyList<string>> Appeared { get; init; } = _ => [];

    /// <summary>
    /// Returns a sentence for each kind of content that is there now and was not exported: exported files that changed,
    /// folders that were replaced, and files that appeared.
    /// </summary>
    internal IReadOnlyList<string> Changes()
    {
        string[] changed =
        [
            .. Artifacts.Select(artifact => artifact.Source).Where(HasChanged).Select(source => source.Full),
        ];
        string[] sentences =
            changed.Length == 0
                ? []
                :
                [
                    $"{ShownNames.First(changed)} changed after the export: the content that is there now is not exported. {FolderWalk.Again}",
                ];
        return [.. sentences, .. Appeared(changed.ToHashSet())];
    }

    /// <summary>
    /// True if the content of the file has a receipt, and its name, below the folder that was opened or by its path,
    /// belongs to other content now. A file that is gone has its receipt.
    /// </summary>
    private static bool HasChanged(SourcePath source) =>
        source.Watch is { IsReceipted: true, Stamp: { } stamp }
        && (
            IsOther(stamp, FileKinds.Look(source.Root!, source.Path))
            || IsOther(stamp, FileKinds.Look(source.Full))
        );

    private static bool IsOther(FileStamp stamp, FileLook now) =>
        now.Kind != FileKind.Missing
        && (now.Kind != FileKind.File || now.Stamp is not { } found || stamp.IsChangedBy(found));

    /// <summary>Why strict mode refuses the bundle; a sentence each. Empty if it does not.</summary>
    internal IReadOnlyList<string> StrictProblems =>
        [
            .. LeftOut,
            .. Empty,
            .. LeftOut.Count > 0
                ?
                [
                    "CELLOS_STRICT_CONFIG=1 refuses folders of which something is left out. Remove it from them, or give the PATHs of the files.",
                ]
                : Array.Empty<string>(),
            .. Empty.Count > 0
                ?
                [
                    "CELLOS_STRICT_CONFIG=1 refuses folders without a file. Correct the PATHs, or give those with files only.",
                ]
                : Array.Empty<string>(),
        ];

    /// <exception cref="RefusedException">There is nothing to export, or something of it cannot be exported.</exception>
    internal static PushBundle Gather(S3ExportSpec spec, PushArguments arguments) =>
        (
            arguments.Paths.Count > 0
                ? OfPaths(spec, arguments.Paths, arguments.Root, arguments.Files)
                : OfSpec(spec, arguments)
        ).Of(arguments.Shard);

    /// <summary>The bundle with the artifacts of one shard; all of it without one.</summary>
    internal PushBundle Of(Shard? shard)
    {
        if (shard is null)
            return this;

        var own = Artifacts.ToLookup(artifact =>
            ShardModule.Contains(ArtifactNameModule.Create(artifact.Name).ResultValue, shard)
        );
        return this with
        {
            Spec = Spec.OfShard(shard),
            Artifacts = [.. own[true]],
            HasOtherShards = own[false].Any(),
            OtherShards = Spec.Places > 1 ? [.. own[false]] : [],
            Notes =
                own[true].Any() || Artifacts.Count == 0 ? Notes : [.. Notes, NoneOf(shard, Artifacts.Count)],
        };
    }

    /// <summary>A note that a shard has no artifact.</summary>
    internal static string NoneOf(Shard shard, int others) =>
        $"Shard {shard} has none of the {ShownNames.Artifacts(others)}: this command exports nothing, and other shards have them.";

    /// <summary>Gathers the files of PATHs.</summary>
    /// <param name="spec">The spec, with one target or a default sink.</param>
    /// <param name="paths">Files and folders.</param>
    /// <param name="root">The folder of the spec's artifacts, which has no meaning here; null if none was given.</param>
    /// <param name="commandFiles">The files of the command line.</param>
    /// <exception cref="RefusedException">Something of it cannot be exported.</exception>
    internal static PushBundle OfPaths(
        S3ExportSpec spec,
        IReadOnlyList<string> paths,
        string? root,
        CommandFiles commandFiles
    )
    {
        var target = TargetOfPaths(spec);
        var bundle = FileBundle.Collect(paths);
        if (bundle.Problems.Count > 0)
            throw new RefusedException(bundle.Problems);

        var own = new OwnFiles(commandFiles);
        // A folder is refused as a receipts file by itself.
        Refuse(own, paths.Where(path => FileKinds.Of(path) == FileKind.File));

        var files = new List<BundleFile>();
        var leftOut = bundle.LeftOut.ToList();
        foreach (var file in bundle.Files)
        {
            if (own.NameOf(file.Path) is not { } name)
                files.Add(file);
            else if (OwnFiles.OptionOf(name) is { } option && file.Length == 0)
                throw new RefusedException(
                    $"{Quote(file.Path)} is {name} and has no bytes, so that it may be evidence. Give another file with {option}, or remove it if it is not evidence."
                );
            else
                leftOut.Add($"{Quote(file.Path)} is {name}; it is left out.");
        }

        // Not the whole bundle: its files would stay in memory beside the artifacts.
        var appeared = bundle.Changes;
        var notes = leftOut.Concat(bundle.Notes).ToList();
        var listed = spec.AllArtifacts.Count(artifact => artifact.Target == target);
        if (listed > 0)
            notes.Add(
                $"The spec lists {ShownNames.Artifacts(listed)} for this target, not exported by this command, which exports the PATHs. Run it without PATHs to export what the spec lists."
            );
        if (root is not null)
            notes.Add("--root is for the artifacts of the spec; the PATHs are taken as they are.");
        return new PushBundle(
            spec.WithArtifacts(target, files.Select(file => file.Name)),
            [.. files.Select(file => new PlannedArtifact(target, file.Name, file.Source, file.Length))],
            leftOut,
            bundle.Notes,
            notes
        )
        {
            Appeared = changed =>
            {
                // The push itself may have made the files of receipts and seals.
                var now = new OwnFiles(commandFiles);
                return appeared(path => changed.Contains(path) || now.NameOf(path) is not null);
            },
        };
    }

    /// <summary>The target that PATHs go to: the default sink if the environment names one, else the single target.</summary>
    /// <exception cref="RefusedException">There is neither.</exception>
    private static string TargetOfPaths(S3ExportSpec spec)
    {
        if (spec.Core.Fallback is not null)
            return "";
        string[] names = [.. spec.AllTargetNames];
        return names switch
        {
            [var only] => only,
            [] => throw new RefusedException("The spec has no target of kind s3, local or http."),
            _ => throw new RefusedException(
                $"The spec has several targets. Say which of them takes the PATHs: --target {string.Join(" or ", names)}."
            ),
        };
    }

    /// <summary>Refuses files of this command that were given as artifacts.</summary>
    /// <exception cref="RefusedException">One or more are.</exception>
    private static void Refuse(OwnFiles own, IEnumerable<string> given)
    {
        string[] both =
        [
            .. given
                .Select(path => own.NameOf(path) is { } name ? IsBoth(path, name) : null)
                .OfType<string>(),
        ];
        if (both.Length > 0)
            throw new RefusedException(both);
    }

    private static string IsBoth(string path, string name) =>
        OwnFiles.OptionOf(name) is { } option
            ? $"{Quote(path)} is an artifact and {name}. Give another file with {option}, or leave it out of the artifacts."
            : $"{Quote(path)} is an artifact and {name}. Leave it out of the artifacts, or name another file there.";

    private static PushBundle OfSpec(S3ExportSpec spec, PushArguments arguments)
    {
        if (spec.AllArtifacts.Count == 0)
            throw new RefusedException(
                "There is nothing to export: give PATHs, or list artifacts in the spec for targets of kind s3, local or http."
            );

        var root = Root(arguments.Root ?? ".");
        spec = spec.Below(root);
        var artifacts = spec.AllArtifacts.Select(artifact => Planned(root, artifact)).ToList();
        Preflight.RequireFile(arguments.Root ?? ".", artifacts);
        var own = new OwnFiles(arguments.Files);
        Refuse(own, artifacts.Select(artifact => artifact.Source.Full));
        return new PushBundle(spec, artifacts, [], [], [.. Omitted(spec)]);
    }

    /// <summary>A note that names the artifacts for targets of other kinds, if there are any.</summary>
    internal static IEnumerable<string> Omitted(S3ExportSpec spec)
    {
        const int most = 5;
        var names = spec.OtherArtifacts;
        if (names.Count == 0)
            yield break;

        var rest = names.Count > most ? $" and {names.Count - most} more" : "";
        var are = names.Count == 1 ? "is for a target" : "are for targets";
        yield return $"{string.Join(", ", names.Take(most).Select(Quote))}{rest} {are} of a kind that this tool has no sink for: it does not export such artifacts.";
    }

    /// <summary>The artifact root, which is open until the process ends.</summary>
    private static ExportRoot Root(string path)
    {
        try
        {
            return ExportRoot.Open(path);
        }
        catch (IOException)
        {
            throw new RefusedException(
                $"--root: {Quote(path)} is not a folder that can be opened. Give the folder that the artifacts of the spec lie below."
            );
        }
    }

    /// <summary>A missing file fails its own artifact only; the rest of the evidence is exported.</summary>
    private static PlannedArtifact Planned(ExportRoot root, S3ExportSpecArtifact artifact)
    {
        var look = FileKinds.Look(root, artifact.Path);
        var watch = new SourceWatch(look.Kind == FileKind.File ? look.Stamp : null);
        var source = new SourcePath(artifact.Path, root, watch);
        return new PlannedArtifact(artifact.Target!, artifact.Name, source, look.Length);
    }

    private static string Quote(string path) => $"'{Shown.Short(200, path)}'";
}
