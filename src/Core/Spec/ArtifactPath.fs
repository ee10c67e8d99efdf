namespace CellOS.Export.S3.Core

open System

/// The paths of artifacts in a spec.
///
/// Rules that this module keeps:
/// - a path has `/` between its segments, and neither `.` nor `..`, an empty segment, `\` nor a drive;
/// - an absolute path is compared with the names of the root segment by segment. No link is followed for that: which
///   folders are links is looked at when the file is opened.
[<RequireQualifiedAccess>]
module ArtifactPath =

    let private isAbsolute (path: string) = path.StartsWith '/'

    /// The path of an artifact without `.`, relative to the artifact root or absolute; or what is wrong with it.
    [<CompiledName("Create")>]
    let create (value: string) : Result<string, Refusal> =
        let relative = if isAbsolute value then value.Substring 1 else value

        let segments = Array.FindAll(relative.Split '/', fun segment -> segment <> ".")

        let wrong =
            match Check.unprintable value with
            | Some problem -> Some problem
            | None when value.Contains '\\' || relative.IndexOf ':' = 1 && not (isAbsolute value) ->
                Some "is not relative to the artifact root"
            | None when Array.contains ".." segments -> Some "leads out of the artifact root ('..')"
            | None when segments.Length = 0 || value = "/" -> Some "names the artifact root itself"
            | None when Array.contains "" segments -> Some "has an empty segment"
            | None -> None

        match wrong with
        | None -> Ok((if isAbsolute value then "/" else "") + String.Join('/', segments))
        | Some wrong ->
            Check.refuse
                "path"
                $"{Check.quote value} {wrong}"
                "Give a path below the artifact root, such as 'out/stdout.txt'."

    /// The segments of an absolute path; `None` for a path that does not name a folder by itself.
    let private segmentsOf (root: string) =
        let segments =
            Array.FindAll(root.Split '/', fun segment -> segment <> "" && segment <> ".")

        if isAbsolute root && not (Array.contains ".." segments) then
            Some segments
        else
            None

    /// A path that `create` gave, relative to the artifact root. `roots` are the absolute paths that lead to the root; those
    /// with `..` are ignored, since `..` after a link leads elsewhere.
    [<CompiledName("Below")>]
    let below (roots: string seq) (path: string) : Result<string, Refusal> =
        if not (isAbsolute path) then
            Ok path
        else
            let segments = path.Substring(1).Split '/'
            let known = roots |> Seq.choose segmentsOf |> List.ofSeq

            match
                known
                |> List.tryFind (fun root ->
                    root.Length < segments.Length
                    && segments.AsSpan(0, root.Length).SequenceEqual(ReadOnlySpan root))
            with
            // It is held to the rules of a relative path, a drive in its first segment among them.
            | Some root -> create (String.Join('/', Array.skip root.Length segments))
            | None ->
                let isRoot = known |> List.exists (fun root -> root = segments)

                let place =
                    match known with
                    | root :: _ -> " " + Check.quote ("/" + String.Join('/', root))
                    | [] -> ""

                Check.refuse
                    "path"
                    (if isRoot then
                         $"{Check.quote path} names the artifact root itself"
                     else
                         $"{Check.quote path} is not below the artifact root{place}")
                    "Give a path below the root, or the folder above the file as the root."
