/// The archive and the image that are made with the native tool, if they lie beside the one under test.
module Cli.Tests.ArchiveTests

open System
open System.IO
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private version =
    Regex
        .Match(File.ReadAllText(Path.Combine(root, "Directory.Build.props")), "<Version>([^<]+)<")
        .Groups[1].Value

/// The file beside the native tool whose name ends like this.
let private besideTool (extension: string) =
    match nativeTool with
    | None -> skiptest "CELLOS_TEST_TOOL names no native tool (./build.sh test-native)"
    | Some native ->
        let folder = nonNull (Path.GetDirectoryName native.Head)

        match Directory.GetFiles(folder, $"cellos-export-s3-{version}-linux-*{extension}") with
        | [| file |] -> file
        | _ -> skiptest $"there is no {extension} beside the native tool"

let private require (commands: string list) =
    for command in commands do
        if not (has command) then
            skiptest $"{command} is not installed"

/// What a command writes.
let private run (variables: (string * string) list) (command: string list) =
    task {
        use started = childOf command variables []
        let! struct (code, output, error) = started.End()
        Expect.equal code 0 $"{command}: {error}"
        return output
    }

let private child (name: string) (node: Nodes.JsonNode) = nonNull node[name]

let private json (value: 'a) : Nodes.JsonNode | null =
    Nodes.JsonNode.Parse(JsonSerializer.Serialize value)

let private expectedFiles = [
    "bin/cellos-export-s3"
    "share/bash-completion/completions/cellos-export-s3"
    "share/doc/cellos-export-s3/CHANGELOG.md"
    "share/doc/cellos-export-s3/LICENSE"
    "share/doc/cellos-export-s3/THIRD-PARTY-NOTICES.txt"
    "share/fish/vendor_completions.d/cellos-export-s3.fish"
    "share/man/man1/cellos-export-s3.1"
    "share/zsh/site-functions/_cellos-export-s3"
]

[<Tests>]
let tests =
    testList "the archive" [
        testCaseTask "holds these files, as root's and of one time, and has the digest beside it" (fun () ->
            task {
                let archive = besideTool ".tar.gz"
                let! listed = run [] [ "tar"; "--numeric-owner"; "--full-time"; "-tvzf"; archive ]

                let rows =
                    listed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    |> Array.map (fun row -> Regex.Split(row, " +"))

                Expect.sequenceEqual
                    (rows
                     |> Seq.map Array.last
                     |> Seq.filter (fun name -> not (name.EndsWith '/'))
                     |> Seq.map (fun name -> name.Substring(name.IndexOf '/' + 1))
                     |> Seq.sort)
                    (List.sort expectedFiles)
                    "the files"

                Expect.equal
                    (rows |> Seq.map (fun row -> row[1]) |> Seq.distinct |> List.ofSeq)
                    [ "0/0" ]
                    "the owner"

                Expect.hasLength
                    (rows |> Seq.map (fun row -> row[3], row[4]) |> Seq.distinct |> List.ofSeq)
                    1
                    "the time"

                let said = File.ReadAllText(archive + ".sha256").Split ' '
                Expect.equal said[0] (sha256 (File.ReadAllBytes archive)) "the digest"
            })

        testCaseTask
            "installs a tool that says its version, its manual page, completion and licences"
            (fun () ->
                task {
                    let archive = besideTool ".tar.gz"
                    use folder = new Folder()
                    let! _ = run [] [ "tar"; "-xzf"; archive; "--strip-components=1"; "-C"; folder.Path ]
                    let! said = run [] [ folder.At "bin/cellos-export-s3"; "--version" ]
                    Expect.stringStarts said version "the version"
                    let! page = run [] [ folder.At "bin/cellos-export-s3"; "manual" ]
                    let written = File.ReadAllText(folder.At "share/man/man1/cellos-export-s3.1")

                    Expect.equal
                        (Regex.Replace(written, "\"\\d{4}-\\d\\d-\\d\\d\"", "\"\""))
                        page
                        "the page, with a date"

                    for shell, path in
                        [
                            "bash", "bash-completion/completions/cellos-export-s3"
                            "zsh", "zsh/site-functions/_cellos-export-s3"
                            "fish", "fish/vendor_completions.d/cellos-export-s3.fish"
                        ] do
                        let! script = run [] [ folder.At "bin/cellos-export-s3"; "completion"; shell ]
                        Expect.equal (File.ReadAllText(folder.At $"share/{path}")) script shell

                    if has "mandoc" then
                        let! output =
                            run [] [
                                "mandoc"
                                "-Tlint"
                                "-W"
                                "warning"
                                folder.At "share/man/man1/cellos-export-s3.1"
                            ]

                        Expect.equal output "" "mandoc has no warning"

                    let notices =
                        File.ReadAllText(folder.At "share/doc/cellos-export-s3/THIRD-PARTY-NOTICES.txt")

                    let shipped =
                        Regex.Matches(
                            (File.ReadAllText(Path.Combine(root, "paket.lock")).Split "\nGROUP ")[0],
                            "(?m)^    ([A-Za-z][A-Za-z0-9.]*) \\(([^)]*)\\)"
                        )
                        |> Seq.map (fun found -> $"{found.Groups[1].Value} {found.Groups[2].Value}")
                        |> Seq.filter (fun it -> not (it.StartsWith "FsCheck"))
                        |> List.ofSeq

                    Expect.isGreaterThan shipped.Length 10 "packages"

                    let rule = String('=', 80)

                    for it in shipped do
                        Expect.stringContains notices $"{rule}\n{it}\n" it

                    Expect.isMatch notices $@"{rule}\n\.NET runtime \d+\.\d+\.\d+\n" "the runtime"
                })

        testCaseTask "has symbols in a file apart, which the stripped tool names" (fun () ->
            task {
                let archive = besideTool ".tar.gz"
                require [ "readelf" ]
                let folder = nonNull (Path.GetDirectoryName archive)
                let! sections = run [] [ "readelf"; "-SW"; Path.Join(folder, "cellos-export-s3") ]
                Expect.isFalse (sections.Contains ".debug_info") "no debug information in the tool"
                Expect.stringContains sections ".gnu_debuglink" "but where it is"

                let! sections =
                    run [] [ "readelf"; "-SW"; Path.Join(folder, "cellos-export-s3.dbg") ]

                Expect.stringContains sections ".debug_info" "the file apart"
            })

        testCaseTask "the image is the tool's, of a user without rights, in one layer" (fun () ->
            task {
                let image = besideTool ".oci.tar"
                require [ "skopeo" ]
                let! inspected = run [] [ "skopeo"; "inspect"; "--config"; $"oci-archive:{image}" ]
                let configuration = JsonDocument.Parse(inspected).RootElement.GetProperty "config"
                Expect.equal (text "User" configuration) "65532:65532" "the user"
                let entry = configuration.GetProperty("Entrypoint")[0]
                Expect.equal (string entry) "/usr/bin/cellos-export-s3" "the command"
                let! manifest = run [] [ "skopeo"; "inspect"; $"oci-archive:{image}" ]

                Expect.equal
                    (JsonDocument.Parse(manifest).RootElement.GetProperty("Layers").GetArrayLength())
                    1
                    "one layer"

                let said = File.ReadAllText(image + ".sha256").Split ' '
                Expect.equal said[0] (sha256 (File.ReadAllBytes image)) "the digest"
            })

        testCaseTask "the image names its Debian packages where scanners look for them" (fun () ->
            task {
                let image = besideTool ".oci.tar"
                require [ "skopeo"; "umoci"; "dpkg-query" ]
                use folder = new Folder()
                let layout = folder.At "layout"

                let! _ =
                    run [] [ "skopeo"; "copy"; "--quiet"; $"oci-archive:{image}"; $"oci:{layout}:it" ]

                let! _ =
                    run [] [
                        "umoci"
                        "unpack"
                        "--rootless"
                        "--image"
                        $"{layout}:it"
                        folder.At "bundle"
                    ]

                let status = folder.At "bundle/rootfs/var/lib/dpkg/status.d"

                let named =
                    Directory.GetFiles status
                    |> Array.map (fun path -> nonNull (Path.GetFileName path))

                for package in named do
                    let! installed = run [] [ "dpkg-query"; "-s"; package ]
                    Expect.equal (File.ReadAllText(Path.Join(status, package))) installed package

                Expect.containsAll named [ "ca-certificates"; "libc6" ] "the packages"
                Expect.exists named _.StartsWith("libssl3") "OpenSSL"
            })

        testCaseTask "the image exports as it is run, with a file system that cannot be written" (fun () ->
            task {
                let image = besideTool ".oci.tar"
                require [ "skopeo"; "umoci"; "runc" ]

                if Environment.UserName <> "root" then
                    skiptest "runc needs root here"

                use! scene = sceneBehind true
                let folder = scene.Folder
                folder.Write("evidence/out/report.json", "{}") |> ignore
                File.Copy(scene.Spec, folder.At "evidence/cell.yaml")
                // The user of the image, who is another than the one of this test.
                let! _ = run [] [ "chmod"; "-R"; "a+rX"; folder.Path ]
                let layout = folder.At "layout"

                let! _ =
                    run [] [ "skopeo"; "copy"; "--quiet"; $"oci-archive:{image}"; $"oci:{layout}:it" ]

                let! _ = run [] [ "umoci"; "unpack"; "--image"; $"{layout}:it"; folder.At "bundle" ]

                let evidence = folder.At "evidence"
                // What runs a container sets arguments, variables, the bind mount and the network of the host.
                let path = folder.At "bundle/config.json"
                let configuration = nonNull (Nodes.JsonNode.Parse(File.ReadAllText path))
                let started = configuration |> child "process"
                started["terminal"] <- json false
                started["env"] <- json [ for name, value in scene.SeedVariables -> $"{name}={value}" ]

                started["args"] <-
                    json [
                        "/usr/bin/cellos-export-s3"
                        "push"
                        "--spec"
                        "cell.yaml"
                        "--cell-id"
                        "cell-7"
                        "out"
                    ]

                (child "root" configuration)["readonly"] <- json true

                (configuration |> child "mounts")
                    .AsArray()
                    .Add(
                        json {|
                            destination = "/evidence"
                            ``type`` = "bind"
                            source = evidence
                            options = [ "rbind"; "ro" ]
                        |}
                    )

                let spaces = (configuration |> child "linux" |> child "namespaces").AsArray()

                for index in spaces.Count - 1 .. -1 .. 0 do
                    if (nonNull spaces[index]).ToJsonString().Contains "\"network\"" then
                        spaces.RemoveAt index

                File.WriteAllText(path, configuration.ToJsonString())
                let name = $"cellos-{Guid.NewGuid():N}"

                use container =
                    childOf [ "runc" ] [] [ "run"; "--bundle"; folder.At "bundle"; name ]

                let! struct (code, output, error) = container.End()

                // A sandbox may allow no container at all, which says nothing of this image.
                if code <> 0 && error.Contains "runc" && not (error.Contains "cellos-export-s3:") then
                    skiptest $"runc runs no container here: {error}"

                Expect.equal code 0 (output + error)
                objects output |> List.exactlyOne |> scene.IsTrue
            })
    ]
