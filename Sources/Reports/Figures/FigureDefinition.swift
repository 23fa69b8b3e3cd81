import Studies

/// Which arms a figure shows, found by their settings and never by their names, and how.
package struct FigureDefinition: Sendable, Equatable {
    /// One place of the legend.
    package struct Curve: Sendable, Equatable {
        package var label: String
        /// Any of these settings; the first arm of the study that has one stands here.
        package var methods: [ArmMethod]
        /// The arm itself, in a figure that is made for one study.
        package var arm: String?
        /// Whether the figure is about it, or it is there to compare with.
        package var isSubject: Bool
        package var style: FigureStyle

        package init(_ label: String, _ methods: [ArmMethod], isSubject: Bool = true, style: FigureStyle) {
            self.label = label
            self.methods = methods
            self.isSubject = isSubject
            self.style = style
        }
    }

    /// Curves in one pair of axes.
    package struct Panel: Sendable, Equatable {
        /// Above the axes; `nil` when there is one panel.
        package var title: String?
        package var curves: [Curve]
        /// Whether the paper leaves it out: it is drawn when its arms are there, and not missed otherwise.
        package var isExtra = false
    }

    /// What its files are called: `figure-3`.
    package var name: String
    package var title: String
    package var data: PublishedData
    package var architecture: ModelArchitecture
    package var panels: [Panel]
    /// With fewer subjects than this in a study the figure would say nothing.
    package var leastSubjects: Int
    /// The subjects in words, for whoever has none of them.
    package var subjects: String

    package init(
        name: String, title: String, data: PublishedData = .cifar100Pairs, architecture: ModelArchitecture = .resnet18, panels: [Panel],
        leastSubjects: Int, subjects: String
    ) {
        self.name = name
        self.title = title
        self.data = data
        self.architecture = architecture
        self.panels = panels
        self.leastSubjects = leastSubjects
        self.subjects = subjects
    }

    /// A figure of all arms of a study, in their order.
    package static func allArms(of study: FigureStudy) -> FigureDefinition {
        let arms = study.arms
        // Few can be told apart by hue; many are taken as a scale.
        let curves = arms.enumerated().map { index, arm in
            let style = arms.count <= FigureStyle.categories.count ? FigureStyle.categories[index] : .ordered(index, of: arms.count)
            var curve = Curve(arm.name, [arm.method], style: style)
            curve.arm = arm.name
            return curve
        }
        return FigureDefinition(
            name: "arms", title: "All arms of \(study.info.study)", data: study.data,
            panels: [Panel(title: nil, curves: curves)], leastSubjects: 1, subjects: "any arm")
    }
}
