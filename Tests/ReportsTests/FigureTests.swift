import Foundation
import Testing

import Reports
import Studies
import StudyFiles

struct FigureTests {
    // MARK: Series

    @Test func `a point is the mean over the cells that have a value, with its spread`() throws {
        // 60.2, 57.1, 63.9, 61.4; by hand: mean 60.65, squares 23.93, s 2.82430; t(0.975, 3) = 3.182446.
        let series = EpochSeries(info: info, cells: cells)
        let random = try #require(series.series(arm: "random", label: "r", style: .baseline))
        #expect(random.points.map(\.epoch) == [1, 2] && random.points.map(\.n) == [4, 4] && random.expected == 4)
        let last = random.points[1]
        #expect(abs(last.mean! - 60.65) < 1e-9 && last.min == 57.1 && last.max == 63.9)
        #expect(abs(last.interval!.lowerBound - 56.155905) < 1e-5 && abs(last.interval!.upperBound - 65.144095) < 1e-5)
        #expect(abs(random.points[0].mean! - 50.65) < 1e-9)
        // One finished, one diverged, one failed: one value, which has no interval.
        let partial = try #require(series.series(arm: "k_3", label: "k", style: .baseline))
        #expect(partial.n == 1 && partial.expected == 4 && partial.points[1].mean == 65.1 && partial.points[1].interval == nil)
        #expect(series.series(arm: "late", label: "l", style: .baseline) == nil)
        #expect(series.series(arm: "unknown", label: "u", style: .baseline) == nil)
    }

    @Test func `the order of the cells changes no byte`() throws {
        let study = try FigureExample.study()
        let cells = FigureExample.cells(of: study)
        let a = FigureExample.figures(of: study, cells: cells).compactMap(\.outcome.figure)
        let b = FigureExample.figures(of: study, cells: cells.reversed()).compactMap(\.outcome.figure)
        #expect(a == b && a.map(\.csv) == b.map(\.csv))
        #expect(a.map { $0.gnuplotScript(size: .column) } == b.map { $0.gnuplotScript(size: .column) })
    }

    // MARK: Definitions

    @Test func `every figure finds all its arms in the whole study`() throws {
        let study = try FigureExample.study()
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure)
        let own = Dictionary(uniqueKeysWithValues: figures.map { ($0.name, $0.panels.map { $0.series.count { !$0.isPublished } }) })
        let expected = ["figure-2": [5], "figure-3": [7, 7], "figure-4": [6, 6], "figure-5": [6, 6], "figure-7": [6], "figure-8": [4]]
        for (name, counts) in expected { #expect(own[name] == counts) }
        for figure in figures {
            #expect(!figure.notes.contains { $0.hasPrefix("Not arms") || $0.hasPrefix("No cell") || $0.hasPrefix("*") }, "\(figure.notes)")
            // All of these arms were published.
            #expect(figure.panels.allSatisfy { $0.series.count { $0.isPublished } == $0.series.count { !$0.isPublished } })
        }
        #expect(
            figures[0].panels[0].series.filter { !$0.isPublished }.map(\.arm)
                == ["fourier-k2-m10-l17", "euclidean-k2-m10-l17", "gabor-1", "pretrained", "random"])
        let used = Set(figures.flatMap(\.arms)), published = PublishedCurves.clusteredInitialization
        let unused = study.arms.filter { !published.curves(for: $0.method, of: study.model(of: $0)).isEmpty && !used.contains($0.name) }
        #expect(unused.isEmpty, "a published arm of the whole study is in no figure")
    }

    @Test func `arms are found by what they are, whatever they are called`() throws {
        var study = try FigureExample.study()
        let cells = FigureExample.cells(of: study)
        func drawn(_ figures: [(name: String, outcome: Figure.Outcome)]) -> [[String]] {
            figures.compactMap(\.outcome.figure).map { $0.panels.flatMap(\.series).map { "\($0.label) \($0.points.map { $0.mean ?? 0 })" } }
        }
        let expected = drawn(FigureExample.figures(of: study, cells: cells))
        let names = Dictionary(uniqueKeysWithValues: study.arms.enumerated().map { ($1.name, "arm-\($0)") })
        for index in study.arms.indices { study.arms[index].name = names[study.arms[index].name]! }
        let renamed = cells.map { cell in
            var cell = cell
            cell.arm = names[cell.arm]!
            return cell
        }
        #expect(drawn(FigureExample.figures(of: study, cells: renamed)) == expected)
        // The same arms of another network are not the paper's; those with the paper's network of their own still are.
        study.model.architecture = ModelArchitecture.vgg11.rawValue
        let other = FigureExample.figures(of: study, cells: renamed)
        #expect(other.compactMap(\.outcome.figure).map(\.name) == ["figure-6"])
    }

    @Test func `a figure with some of its arms says which are missing; with none it is skipped and says what it needs`() throws {
        let study = try FigureExample.study()
        let some = FigureExample.cells(of: study) { arm, replicate in
            ["random", "gabor-1", "gabor-2", "fourier-k2-m10-l17"].contains(arm.name) && replicate < 3
        }
        let figures = FigureExample.figures(of: study, cells: some)
        #expect(figures.compactMap(\.outcome.figure).map(\.name) == ["figure-2", "figure-7"])
        let methods = try #require(figures[0].outcome.figure)
        #expect(methods.notes.contains("No cell has a value yet: clustered, Euclidean; pre-trained."))
        #expect(methods.notes.contains { $0.hasPrefix("* (n/N)") })
        #expect(methods.gnuplotScript(size: .column).contains("title 'clustered, Fourier (20/50)*'"))
        #expect(methods.arms == ["random", "gabor-1", "fourier-k2-m10-l17"])
        let skipped = try #require(figures.first { $0.name == "figure-3" }?.outcome.reason)
        #expect(
            skipped.hasPrefix(
                "it needs at least 2 of these: clustered arms (euclidean, fourier-real) with 10 models, 17 layers and 1, 2, 3"))
        #expect(figures.first { $0.name == "figure-9" }?.outcome.reason?.contains("Tiny ImageNet") == true)
    }

    @Test func `a study without a figure of the paper gets one of all its arms`() throws {
        let study = try FigureExample.study("demo")
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure)
        #expect(figures.map(\.name) == ["arms"])
        #expect(figures[0].arms == ["random", "gabor-1", "clustered"])
        #expect(figures[0].notes.contains { $0.contains("synthetic images") })
        #expect(figures[0].panels[0].series.allSatisfy { $0.points.count == 5 }, "published curves end with the study's epochs")
        #expect(FigureExample.figures(of: study, cells: []).allSatisfy { $0.outcome.figure == nil })
    }

    @Test func `another metric and other bands are other numbers, and other files`() throws {
        let study = try FigureExample.study()
        let cells = FigureExample.cells(of: study)
        let loss = try #require(
            FigureExample.figures(of: study, cells: cells, metric: .validationLoss, bands: .minmax).first?.outcome.figure)
        #expect(loss.name == "figure-2-validation_loss")
        let script = loss.gnuplotScript(size: .column)
        #expect(
            script.contains("set ylabel 'validation loss (nats)'") && script.contains("using 2:6:7 with filledcurves") && loss.hasPublished)
        let top5 = try #require(
            FigureExample.figures(of: study, cells: cells, metric: .validationTop5Accuracy, bands: .none).first?.outcome.figure)
        #expect(!top5.hasPublished && !top5.gnuplotScript(size: .column).contains("filledcurves"))
        let rate = try #require(FigureExample.figures(of: study, cells: cells, metric: .learningRate).first?.outcome.figure)
        #expect(rate.gnuplotScript(size: .column).contains("set logscale y"))
        let bare = try #require(FigureExample.figures(of: study, cells: cells, published: nil).first?.outcome.figure)
        #expect(!bare.hasPublished && !bare.gnuplotScript(size: .column).contains("Dashed: the published"))
    }

    @Test func `a figure says how the arms that it draws are not as published, and nothing of others`() throws {
        let study = try FigureExample.study()
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure)
        #expect(study.deviations.contains { $0.hasPrefix("arm cosine-") })
        #expect(figures.allSatisfy { figure in figure.notes.allSatisfy { !$0.contains("arm cosine-") } })
        let all = FigureDefinition.allArms(of: FigureStudy(study))
        let series = EpochSeries(info: TableInfo(study), cells: FigureExample.cells(of: study), metric: .validationAccuracy)
        let whole = try #require(Figure.make(all, of: FigureStudy(study), series: series, published: nil).figure)
        #expect(whole.notes.contains { $0.contains("arm cosine-k3-m10-l17: clustered by the cosine distance") })
    }

    /// Beside the axes there is one for each panel: gnuplot's `outside` would put them on top of each other.
    @Test func `each panel has its own legend beside its axes`() throws {
        let study = try FigureExample.study()
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure)
        let script = try #require(figures.first { $0.panels.count == 2 }).gnuplotScript(size: .column)
        let keys = script.split(separator: "\n").filter { $0.hasPrefix("set key ") }
        #expect(keys.count == 2 && !script.contains("outside"))
        #expect(Set(keys).count == (keys[0].contains("at screen") ? 2 : 1))
    }

    // MARK: Files

    @Test func `the data file has a row an epoch of a curve, numbers first`() throws {
        let study = try FigureExample.study("demo")
        let figure = try #require(
            FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure).first)
        let lines = figure.csv.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(
            lines[0].joined(separator: ",")
                == "series,epoch,n,n_expected,mean,min,max,ci_low,ci_high,source,panel,label,arm,protocol,profile,deviations")
        // Two published curves (random, gabor-1) and three arms, five epochs each.
        #expect(lines.count == 1 + 5 * 5 + 1 && lines.dropLast().allSatisfy { $0.count == 16 })
        #expect(lines[1][9] == "published" && lines[1][2] == "" && lines[11][9] == "measured" && lines[11][2...3] == ["6", "6"])
        let script = figure.gnuplotScript(size: .column)
        #expect(script.contains("'arms.csv' every ::10::14 using 2:5 with linespoints"))
    }

    @Test func `a text is one literal string of gnuplot's`() {
        #expect(GnuplotText.quoted("k = 3") == "'k = 3'")
        #expect(GnuplotText.quoted("it's `rm -rf ~` @x \\ \"q\"") == "'it''s `rm -rf ~` @x \\ \"q\"'")
        #expect(GnuplotText.quoted("a'\nsystem('touch x')\r\u{1B}[31m\u{2028}b") == "'a''?system(''touch x'')??[31m?b'")
        #expect(GnuplotText.wrapped("one two three", width: 7) == ["one two", "three"])
        #expect(GnuplotText.wrapped("", width: 7) == [] && GnuplotText.wrapped("unbreakable", width: 3) == ["unbreakable"])
    }
}
