/// What `./build.sh release` checks before it makes anything.
module Package.Tests.ReleaseTests

open System.IO
open Expecto
open Package.Tests.Support

let private git (folder: string) (arguments: string list) =
    succeeds folder [] "git" ([ "-c"; "user.name=tests"; "-c"; "user.email=tests@example.org" ] @ arguments)

/// A repository with what the checks read, in the version 9.8.7, of which the changelog has this heading.
let private repository (heading: string) =
    task {
        let folder = new Folder()

        for name in [ "build.sh"; "Directory.Build.props"; "global.json"; ".gitignore" ] do
            File.Copy(inRoot name, folder.At name)

        folder.Make "build" |> ignore

        for path in Directory.GetFiles(inRoot "build", "*.sh") do
            File.Copy(path, folder.At $"build/{Path.GetFileName path}")

        let props = File.ReadAllText(folder.At "Directory.Build.props")

        folder.Write(
            "Directory.Build.props",
            props.Replace($"<Version>{Packages.version}</Version>", "<Version>9.8.7</Version>")
        )

        folder.Write("CHANGELOG.md", $"# Changelog\n\n{heading}\n\n- Changes.\n")
        let! _ = git folder.Path [ "init"; "--quiet" ]
        let! _ = git folder.Path [ "add"; "--all" ]
        let! _ = git folder.Path [ "commit"; "--quiet"; "--message"; "all" ]
        return folder
    }

let private dated = "## 9.8.7 - 2026-05-01"

/// Runs it, with no compiler on the PATH, so that a release that passes the checks is not made.
let private release (folder: Folder) (arguments: string list) =
    let tools = folder.Make "obj/tools"

    task {
        for name in
            [
                "bash"
                "cat"
                "date"
                "dirname"
                "git"
                "grep"
                "head"
                "ls"
                "mkdir"
                "rm"
                "sed"
                "uname"
                "xargs"
            ] do
            let! path = succeeds folder.Path [] "bash" [ "-c"; $"command -v {name}" ]
            File.CreateSymbolicLink(Path.Join(tools, name), path.Trim()) |> ignore

        return! run folder.Path [ "PATH", tools ] "bash" (folder.At "build.sh" :: "release" :: arguments)
    }

let private refusal (what: string) (heading: string) (change: Folder -> unit) arguments (parts: string list) =
    testCaseTask $"refuses {what}" (fun () ->
        task {
            use! folder = repository heading
            change folder
            let! struct (code, output, error) = release folder arguments
            Expect.equal (code, output) (2, "") error

            for part in parts do
                Expect.stringContains error part "the reason"

            Expect.isFalse (Directory.Exists(folder.At "artifacts")) "nothing is made"
        })

let private unchanged (_: Folder) = ()

[<Tests>]
let tests =
    testList "./build.sh release" [
        refusal "a command without a version" dated unchanged [] [ "release takes a version" ]
        refusal "what is not a version" dated unchanged [ "9.8" ] [ "'9.8' is no version" ]
        refusal "an unknown option" dated unchanged [ "9.8.7"; "--thrice" ] [ "no option --thrice" ]
        refusal "a third argument" dated unchanged [ "9.8.7"; "a"; "b" ] [ "a version and a folder" ]

        refusal "a version that the sources do not have" dated unchanged [ "9.8.8" ] [
            "Directory.Build.props has the version 9.8.7"
            "write 9.8.8 there"
        ]

        refusal "a version without a section in the changelog" "## Unreleased" unchanged [ "9.8.7" ] [
            "CHANGELOG.md has no section 9.8.7"
            "rename 'Unreleased' to '9.8.7 - "
        ]

        refusal "a section for a version that only begins alike" "## 9.8.70 - 2026-05-01" unchanged [
            "9.8.7"
        ] [ "CHANGELOG.md has no section 9.8.7" ]

        refusal "a section without a date" "## 9.8.7" unchanged [ "9.8.7" ] [ "has no date" ]

        refusal "a file that is not committed" dated (fun folder -> folder.Write("new.txt", "")) [ "9.8.7" ] [
            "files differ from the commit"
            "new.txt"
        ]

        refusal
            "a change that is not committed"
            dated
            (fun folder -> File.AppendAllText(folder.At "CHANGELOG.md", "- More.\n")) [ "9.8.7" ] [
                "files differ from the commit"
                "CHANGELOG.md"
            ]

        // The first check after those of the sources.
        refusal "a machine without a compiler, if all else is right" dated unchanged [ "9.8.7" ] [
            "no C compiler"
        ]

        testCaseTask "names each file that differs when it is made twice" (fun () ->
            task {
                use folder = new Folder()

                for name, text in [ "one/same", "1"; "two/same", "1"; "one/other", "1"; "two/other", "2" ] do
                    folder.Write(name, text)

                folder.Write("two/more", "")
                let script = inRoot "build/release.sh"

                let compare one other =
                    run folder.Path [] "bash" [ "-c"; $". '{script}'; compare_releases {one} {other}" ]

                let! struct (code, _, error) = compare "one" "two"
                Expect.equal code 1 "they differ"

                Expect.equal
                    error
                    "build.sh: more was made only once\nbuild.sh: other differs\n"
                    "each is named"

                let! struct (code, _, error) = compare "one" "one"
                Expect.equal (code, error) (0, "") "the same is the same"
            })
    ]
